#include "tools/data_options.h"

#include <algorithm>

#include "kernels/error.h"

namespace thaw {

void add_data_options(CLI::App& app, DataOptions& o) {
  app.add_option("--data", o.data, "folder: DIR/{train,val[,test]}/CLASS/* or DIR/CLASS/*")->default_str("");
  app.add_option("-b,--batch-size", o.batch_size, "pictures in a batch")->check(CLI::Range(1, 65536));
  app.add_option("-j,--workers", o.workers, "threads that read pictures; 0: none of their own")
      ->check(CLI::Range(0, 1024));
}

void check_pictures(const Dataset& dataset, int threads) {
  const VerifyReport report = verify_images(dataset, std::max(1, threads));
  if (report.bad.empty()) return;
  const BadSample& first = report.bad.front();
  std::string message = first.reason;
  if (message.find(first.path) == std::string::npos) message = first.path + ": " + message;
  if (report.bad.size() > 1)
    message += " (and " + std::to_string(report.bad.size() - 1) + " more pictures cannot be read)";
  throw Error(message + "; mend or remove the file");
}

}  // namespace thaw
