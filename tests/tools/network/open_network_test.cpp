// Which network a file of weights is for.
#include "tools/network/open_network.h"

#include <doctest/doctest.h>

#include "models/registry.h"
#include "models/weights/load.h"

namespace thaw {
namespace {

std::unique_ptr<Network> usual(const std::string& model) {
  const NetworkFacts& facts = network_facts(model);
  return make_network(model, {.num_classes = facts.num_classes, .in_channels = facts.in_channels});
}

// Names and shapes; the values are all 0 and take no memory.
LoadedWeights file_of(const std::string& model) {
  LoadedWeights file;
  file.tensors = usual(model)->state_dict();
  return file;
}

ModelOptions options_of(const std::string& model, const std::vector<std::string>& ignore = {}) {
  ModelOptions options;
  options.model = model;
  options.ignore = ignore;
  return options;
}

std::string error_of(const LoadedWeights& file, const ModelOptions& options) {
  try {
    open_network(file, options, "w.pth");
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST_CASE("weights: those of each network fit that network alone") {
  const std::vector<std::string> names = model_names();
  std::vector<std::unique_ptr<Network>> networks;
  for (const std::string& name : names) networks.push_back(usual(name));
  for (std::size_t file = 0; file < names.size(); ++file) {
    const StateDict tensors = networks[file]->state_dict();
    for (std::size_t other = 0; other < names.size(); ++other) {
      bool fits = true;
      try {
        check_weights(*networks[other], tensors, {.replace_head = true});
      } catch (const Error&) {
        fits = false;
      }
      CHECK_MESSAGE(fits == (file == other), names[file], " in ", names[other]);
    }
  }
}

TEST_CASE("weights: a file without a name is recognised") {
  for (const char* model : {"resnet50", "wide_resnet50_2", "resnext50_32x4d", "resnet50d", "resnet20",
                            "resnet20b", "densenet121", "scratch_cnn"}) {
    CAPTURE(model);
    const std::string fits = std::string("it fits ") + model + ": give --model " + model;
    CHECK(error_of(file_of(model), options_of("")).ends_with("; " + fits));
    const std::string wrong = error_of(file_of(model), options_of("densenet201"));
    CHECK(wrong.ends_with("; " + fits));
    CHECK(wrong.size() <= 300);
    CHECK(error_of(file_of(model), options_of(model)) == "");
  }
}

TEST_CASE("weights: classes are those of the head, whatever it is called") {
  const StateDict weights = make_network("resnet20b", {.num_classes = 7})->state_dict();
  LoadedWeights file;
  for (const auto& [name, tensor] : weights)
    file.tensors.add(name.starts_with("fc.") ? "linear." + name.substr(3) : name, tensor);
  CHECK(open_network(file, options_of("resnet20b"), "w.pth").description.options.num_classes == 7);
  CHECK(open_network(file, options_of("resnet:blocks=3-3-3,stem=cifar,width=16"), "w.pth")
            .network->num_classes() == 7);
}

TEST_CASE("weights: a mismatch is told in 480 bytes, six lines of a terminal") {
  LoadedWeights file;
  for (const auto& [name, tensor] : usual("resnet50")->state_dict())
    if (name != "layer1.0.conv1.weight")
      file.tensors.add(name.starts_with("layer4") ? "net." + name : name, tensor);
  file.tensors.add(std::string(1000, 'x'), Tensor::zeros_host({1}));
  const std::string error = error_of(file, options_of("resnet101"));
  CHECK(error ==
        "w.pth does not fit resnet101: missing 306 tensors: layer1.0.conv1.weight and 305 more; unexpected "
        "61 tensors: "
        "net.layer4.0.conv1.weight and 60 more; give the --model it was made for, or rename its tensors with "
        "convert "
        "--rename");
  const std::string other = error_of(file, options_of("resnet18"));
  CAPTURE(other);
  CHECK(other.find("misshapen") != std::string::npos);
  CHECK(other.size() <= 480);
}

TEST_CASE("weights: --ignore leaves tensors out, and says so") {
  LoadedWeights file = file_of("resnet20");
  for (const char* name : {"ema.a", "ema.b", "ema.c", "ema.d", "optimizer.step"})
    file.tensors.add(name, Tensor::zeros_host({1}));
  const std::string error = error_of(file, options_of("resnet20"));
  CHECK(error ==
        "w.pth does not fit resnet20: unexpected 5 tensors: ema.a, ema.b, ema.c and 2 more; leave them out "
        "with "
        "--ignore GLOB");
  const NetworkFile opened = open_network(file, options_of("resnet20", {"ema.*", "optimizer.*"}), "w.pth");
  REQUIRE(opened.notes.size() == 1);
  CHECK(opened.notes[0] == "ignored 5 tensors: ema.a, ema.b, ema.c and 2 more");
  CHECK(opened.tensors.size() == file_of("resnet20").tensors.size());
  CHECK(error_of(file, options_of("resnet20", {"ema.*", "optimiser.*"})) ==
        "--ignore 'optimiser.*': fits no tensor of w.pth; nearest: optimizer.step, ema.a, ema.b");
  CHECK(
      error_of(file, options_of("", {"ema.*", "opt*"})).ends_with("it fits resnet20: give --model resnet20"));
  // What the network needs is missed.
  CHECK(error_of(file, options_of("resnet20", {"ema.*", "opt*", "bn1.*"}))
            .find("missing 4 tensors: bn1.weight") != std::string::npos);
}

}  // namespace
}  // namespace thaw
