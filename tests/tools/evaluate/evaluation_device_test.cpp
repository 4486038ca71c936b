// The logits that evaluate and predict come from, on --device cuda beside --device cpu: published weights.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "io/picture/image.h"
#include "tests/support/data_directory.h"
#include "tests/support/devices.h"
#include "tools/evaluate/evaluate_model.h"
#include "tools/network/session.h"

namespace thaw {
namespace {

namespace fs = std::filesystem;

// Of the first `count` validation pictures, evaluated as `evaluate` does it.
std::vector<float> evaluated_logits(const std::string& device, const std::string& weights,
                                    const std::string& data, std::size_t count) {
  ModelOptions options;
  options.device = device;
  options.model = "resnet20";
  options.weights = weights;
  Session session = open_for_evaluation(options);
  Dataset dataset = scan_class_folders(data).val;
  dataset.samples.resize(count);
  LoaderOptions loading;
  loading.batch_size = 3;
  loading.workers = 0;
  Loader loader(dataset, session.description.preprocess, loading);
  const ImageInput input(*session.backend, session.description.preprocess, session.activations);
  std::vector<float> all;
  Batch batch;
  loader.start_epoch(0);
  while (loader.next(batch)) {
    const std::vector<float> rows = logits_of(*session.network, input(batch.images, batch.flips));
    all.insert(all.end(), rows.begin(), rows.end());
  }
  return all;
}

TEST_CASE("evaluate: resnet20's published weights give the same logits on cuda and the host") {
  const fs::path weights = test::data_directory() / "weights" / "akamaster_resnet20-12fca82f.th",
                 data = test::data_directory() / "cifar10_png4000";
  for (const fs::path& needed : {weights, data})
    if (!fs::exists(needed)) {
      MESSAGE("not run: " << needed.string() << " is not there");
      return;
    }
  if (test::backend_named("cuda") == nullptr) {
    MESSAGE("not run: needs a cuda backend");
    return;
  }
  const auto host = evaluated_logits(test::host_device(), weights.string(), data.string(), 5),
             cuda = evaluated_logits("cuda", weights.string(), data.string(), 5);
  REQUIRE(host.size() == 50);
  REQUIRE(cuda.size() == 50);
  double scale = 0, most = 0;
  for (std::size_t i = 0; i < host.size(); ++i) {
    scale = std::max(scale, std::abs(double{host[i]}));
    most = std::max(most, std::abs(double{cuda[i]} - host[i]));
  }
  CAPTURE(most);
  // Twenty layers of f32 sums in another order, each of up to 576 terms: some 24 * 2^-24 a layer.
  CHECK(most <= 1e-5 * scale);
  CHECK(scale > 5);
}

}  // namespace
}  // namespace thaw
