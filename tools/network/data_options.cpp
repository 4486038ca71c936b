#include "tools/network/data_options.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>

#include "io/data/csv_dataset.h"
#include "io/file/text.h"
#include "kernels/error.h"
#include "tools/program/frame.h"
#include "tools/program/values.h"

namespace thaw {

void add_data_options(CLI::App& app, DataOptions& o) {
  begin_group(app, "Data");
  app.add_option("--data", o.data,
                 "folder DIR/{train,val[,test]}/CLASS/* or DIR/CLASS/*, or a CSV file with the columns "
                 "path[,path2...],label[,split][,group] and numeric features")
      ->type_name("DIR")
      ->default_str("");
  app.add_option("-b,--batch-size", o.batch_size, "pictures in a batch")->check(between(1, 65536));
  app.add_option("-j,--workers", o.workers, "threads that read pictures; 0: none of their own")
      ->check(between(0, 256));
  app.add_option("--scan", o.scan,
                 "what is read of every picture before anything else; auto: headers, before a training all "
                 "where that "
                 "takes seconds")
      ->check(one_of({"auto", "headers", "full"}));
  app.add_option("--on-bad-image", o.on_bad_image,
                 "what a picture that cannot be read does; skip leaves it out, after a full scan")
      ->check(one_of({"error", "skip"}));
  app.add_option("--max-bad-fraction", o.max_bad_fraction,
                 "skip: more bad pictures than this share are an error")
      ->check(between(0.0, 1.0));
  begin_group(app);
}

DatasetSplits scan_data(const std::string& data, const ScanOptions& options) {
  std::error_code error;
  return std::filesystem::is_regular_file(data, error) ? scan_csv(data, options)
                                                       : scan_class_folders(data, options);
}

DatasetSplits scan_data_for(const ModelDescription& d, const std::string& data, const std::string& split_by) {
  if (d.val_split > 0 && d.split_by != split_by)
    throw UsageError("the network's pictures were split " +
                     (d.split_by.empty()
                          ? "without --split-by; leave it out"
                          : "with --split-by '" + printable(d.split_by, 100) + "'; give that here, too"));
  ScanOptions scan;
  scan.classes = d.classes;
  scan.val_split = d.val_split;
  scan.seed = d.split_seed;
  scan.split_by = split_by;
  scan.features.emplace();
  for (const FeatureScale& f : d.features) scan.features->push_back(f.name);
  DatasetSplits splits = scan_data(data, scan);
  if (splits.split_off && !d.split_of.empty() &&
      fingerprint(splits.train) + fingerprint(splits.val) != d.split_of)
    throw Error(printable(data) +
                ": holds other pictures than when the network was trained, so which of them were kept for "
                "validation is "
                "not known; --split all takes all of them, or put back what was there");
  check_views(splits.train, d, data);
  for (Dataset* dataset : {&splits.train, &splits.val, &splits.test}) standardise(*dataset, d.features);
  return splits;
}

void check_views(const Dataset& dataset, const ModelDescription& d, const std::string& data) {
  if (dataset.views != d.options.views || dataset.features.size() != d.features.size())
    throw Error(fmt::format("{}: its cases have {} pictures and {} features, but the model takes {} and {}{}",
                            data, dataset.views, dataset.features.size(), d.options.views, d.features.size(),
                            d.options.views > 1 || !d.features.empty()
                                ? "; give a CSV file with path, path2, ... and the features"
                                : ""));
}

LoaderOptions one_pass(const DataOptions& o) {
  LoaderOptions loading;
  loading.batch_size = o.batch_size;
  loading.workers = o.workers;
  loading.cache_bytes = 0;
  return loading;
}

}  // namespace thaw
