// CIFAR networks with other people's weights: logits of sixteen pictures against recorded ones. The files are
// not part of the project; without them the test says so and does nothing.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "io/picture/image.h"
#include "io/weights/weights.h"
#include "models/registry.h"
#include "models/weights/load.h"
#include "tests/support/data_directory.h"
#include "tests/support/devices.h"
#include "tests/tools/programs.h"

namespace thaw {
namespace {

namespace fs = std::filesystem;

struct Recorded {
  std::vector<float> mean, std, logits;  // logits: 10 per picture, in order of their index
};

std::vector<float> numbers(const std::string& text) {
  std::vector<float> values;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) values.push_back(std::stof(part));
  return values;
}

Recorded recorded(const fs::path& file, const std::string& net) {
  Recorded result;
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    std::stringstream columns(line);
    std::string name, mean, std, skipped;
    columns >> name >> mean >> std >> skipped >> skipped;
    if (name != net) continue;
    result.mean = numbers(mean);
    result.std = numbers(std);
    for (float logit; columns >> logit;) result.logits.push_back(logit);
  }
  return result;
}

// Picture i lies in one of the class folders.
fs::path picture(const fs::path& data, int index) {
  const std::string digits = std::to_string(index), number = std::string(4 - digits.size(), '0') + digits;
  for (const char* split : {"train", "val"})
    for (const auto& folder : fs::directory_iterator(data / "cifar10_png4000" / split)) {
      const fs::path file = folder.path() / (number + ".png");
      if (fs::exists(file)) return file;
    }
  return {};
}

Tensor pictures(const fs::path& data, const Recorded& net, int count) {
  std::vector<float> values;
  for (int i = 0; i < count; ++i) {
    const Image image = read_image(picture(data, i).string(), 3);
    REQUIRE(image.width == 32);
    REQUIRE(image.height == 32);
    for (std::size_t c = 0; c < 3; ++c)
      for (std::size_t p = 0; p < 32 * 32; ++p)
        values.push_back((static_cast<float>(image.pixels[p * 3 + c]) / 255.0f - net.mean[c]) / net.std[c]);
  }
  return from_contiguous(values, {count, 3, 32, 32});
}

void compare(const std::string& model, const std::string& file, const std::string& net) {
  const fs::path data = test::data_directory();
  const fs::path weights = data / "weights" / file;
  if (!fs::exists(weights)) {
    MESSAGE("not run: " << weights.string() << " is not there");
    return;
  }
  const Recorded expected = recorded(data / "cifar10_first16_logits.tsv", net);
  REQUIRE(expected.logits.size() == 160);
  const Tensor batch = pictures(data, expected, 16);
  for (const auto& backend : test::backends()) {
    CAPTURE(backend->name());
    const auto network = make_network(model, {.num_classes = 10});
    load_weights(*network, read_weights(weights.string()).tensors, {.source = file});
    network->to(*backend);
    const ParameterArenas arenas(*backend, network->parameters(), DType::f32);
    const std::vector<float> logits =
        to_contiguous(network->forward(Variable(batch.to(*backend)), Mode::eval()).value());
    REQUIRE(logits.size() == expected.logits.size());
    double scale = 0, most = 0;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      scale = std::max(scale, std::abs(static_cast<double>(expected.logits[i])));
      most = std::max(most, std::abs(static_cast<double>(logits[i]) - expected.logits[i]));
    }
    MESSAGE(net << " on " << backend->name() << ": largest difference " << most << ", largest logit "
                << scale);
    CHECK(most <= 1e-5 * scale);
  }
}

TEST_CASE("published CIFAR ResNets give the recorded logits") {
  compare("resnet20", "akamaster_resnet20-12fca82f.th", "akamaster_resnet20-12fca82f");
  compare("resnet32", "akamaster_resnet32-d509ac18.th", "akamaster_resnet32-d509ac18");
  compare("resnet20", "zlatasm_resnet20_ckpt.pth", "zlatasm_resnet20");
}

// The rules of docs/weights.md: from that author's names to ours.
TEST_CASE("a published DenseNet-BC, renamed by convert, gives the recorded logits") {
  const fs::path weights = test::data_directory() / "weights" / "Ericsciencer_densenet_bc_100_12_cifar10.pth";
  if (!fs::exists(weights)) {
    MESSAGE("not run: " << weights.string() << " is not there");
    return;
  }
  const testing::TempFolder folder;
  for (const char* name : {"renamed.pth", "renamed.safetensors"}) {
    std::vector<std::string> arguments = {weights.string(), folder.file(name), "--model",
                                          "densenet_bc_100_12"};
    const auto rename = [&](const std::string& rule) {
      arguments.insert(arguments.end(), {"--rename", rule});
    };
    rename("features\\.0\\.=>features.conv0.");
    rename("features\\.1\\.=>features.norm0.");
    rename("\\.bn([12])\\.=>.norm$1.");
    rename("\\.bn\\.=>.norm.");
    for (int i = 0; i < 16; ++i)
      rename("\\.layers\\." + std::to_string(i) + "\\.=>.denselayer" + std::to_string(i + 1) + ".");
    const testing::Outcome outcome = testing::run("convert", arguments);
    REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
    compare("densenet_bc_100_12", folder.file(name), "Ericsciencer_densenet_bc_100_12");
  }
}

}  // namespace
}  // namespace thaw
