// Programs on --device cuda beside a host's device.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "kernels/backend.h"
#include "tests/support/devices.h"
#include "tests/tools/programs.h"

namespace thaw::testing {
namespace {

nlohmann::json answer(const std::string& name, std::vector<std::string> arguments,
                      const std::string& device) {
  const Outcome outcome = run(name, with(std::move(arguments), {"--device", device}));
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  return nlohmann::json::parse(outcome.out);
}

TEST_CASE("evaluate and predict: --device cuda gives the answers of the host") {
  if (std::string reason; !cuda_available(&reason)) {
    MESSAGE("not run: " << reason);
    return;
  }
  const TempFolder folder;
  const std::string data = folder.file("data"), out = folder.file("out");
  make_pictures(data, 6, 3);
  std::vector<std::string> training = quick_training(data, out);
  const std::string host = test::host_device();
  std::replace(training.begin(), training.end(), std::string("auto"), host);
  REQUIRE(run("train", with(training, {"--stop-after", "2"})).code == 0);
  const std::string weights = out + "/last.safetensors";

  const std::vector<std::string> evaluate{"--weights",    weights, "--data", data,
                                          "--batch-size", "4",     "--json"};
  const auto cpu = answer("evaluate", evaluate, host), cuda = answer("evaluate", evaluate, "cuda");
  CHECK(cuda["images"] == 6);
  CHECK(cuda["confusion"] == cpu["confusion"]);
  CHECK(cuda["loss"].get<double>() == doctest::Approx(cpu["loss"].get<double>()).epsilon(1e-5));

  std::vector<std::string> predict{"--weights", weights, "--format", "json", "--logits"};
  for (const char* name : {"dark/0.png", "dark/1.png", "dark/2.png", "light/0.png", "light/1.png"})
    predict.push_back(data + "/val/" + name);
  const auto on_cpu = answer("predict", predict, host), on_cuda = answer("predict", predict, "cuda");
  REQUIRE(on_cpu.size() == 5);
  REQUIRE(on_cuda.size() == 5);
  for (std::size_t i = 0; i < on_cpu.size(); ++i) {
    CHECK(on_cuda[i]["image"] == on_cpu[i]["image"]);
    for (std::size_t k = 0; k < 2; ++k) {
      // Sums in another order: a few units in the last place of values of about 1.
      CHECK(std::abs(on_cuda[i]["logits"][k].get<double>() - on_cpu[i]["logits"][k].get<double>()) <= 2e-5);
    }
  }
}

}  // namespace
}  // namespace thaw::testing
