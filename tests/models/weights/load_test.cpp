#include "models/weights/load.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "models/registry.h"
#include "models/weights/initialize.h"
#include "tests/models/formula.h"

namespace thaw {
namespace {

// `weights` with `change` applied to each entry; an empty name leaves the entry out.
template <class Change>
StateDict changed(const StateDict& weights, Change change) {
  StateDict result;
  for (auto [name, tensor] : weights) {
    change(name, tensor);
    if (!name.empty()) result.add(name, tensor);
  }
  return result;
}

std::string error_of(Network& network, const StateDict& weights, const LoadOptions& options = {}) {
  try {
    load_weights(network, weights, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("a file that fits is taken whole and says so") {
  const auto from = make_network("resnet18", {.num_classes = 10});
  initialize(*from, 7);
  const auto to = make_network("resnet18", {.num_classes = 10});
  CHECK(load_weights(*to, from->state_dict()).text() == "matched 122 of 122 tensors");
  const StateDict loaded = to->state_dict();
  for (const auto& [name, tensor] : from->state_dict())
    if (tensor.dtype() == DType::f32) CHECK(to_contiguous(loaded.at(name)) == to_contiguous(tensor));
}

TEST_CASE("a missing num_batches_tracked is no error") {
  const auto network = make_network("resnet18", {.num_classes = 10});
  const StateDict weights = test::formula::weights(network->state_dict());
  CHECK(load_weights(*network, weights).text() == "matched 102 of 102 tensors");
}

TEST_CASE("a head of another size is replaced only where that is allowed") {
  const auto imagenet = make_network("resnet18", {.num_classes = 1000});
  initialize(*imagenet, 7);
  const auto network = make_network("resnet18", {.num_classes = 2});
  CHECK(error_of(*network, imagenet->state_dict(), {.source = "a.pth"}) ==
        "a.pth has 1000 classes, resnet18 has 2 (misshapen 2 tensors: fc.weight, fc.bias); make the network "
        "with "
        "as many classes, or train a new head");
  const LoadReport report = load_weights(*network, imagenet->state_dict(), {.replace_head = true, .seed = 3});
  CHECK(report.text() == "matched 120 of 122 tensors, replaced fc.weight, fc.bias (1000 -> 2)");
  const auto head = to_contiguous(network->head().weight.value);
  CHECK(std::any_of(head.begin(), head.end(), [](float v) { return v != 0; }));
}

TEST_CASE("what does not fit is an error that names it, and changes nothing") {
  const auto network = make_network("resnet18", {.num_classes = 10});
  const StateDict good = test::formula::weights(network->state_dict());
  const std::string remedy = "give the --model it was made for, or rename its tensors with convert --rename";

  std::string error = error_of(*network, changed(good, [](std::string& name, Tensor&) {
    if (name == "layer1.0.conv1.weight") name.clear();
  }));
  CHECK(has(error, "does not fit resnet18: missing 1 tensor: layer1.0.conv1.weight"));
  CHECK(has(error, remedy));

  error = error_of(*network, changed(good, [](std::string& name, Tensor&) {
    if (name == "bn1.bias") name = "bn1.beta";
  }));
  CHECK(has(error, "missing 1 tensor: bn1.bias; unexpected 1 tensor: bn1.beta"));

  error = error_of(*network, changed(good, [](std::string& name, Tensor& tensor) {
    if (name == "conv1.weight") tensor = Tensor::zeros_host({64, 3, 3, 3});
  }));
  CHECK(has(error,
            "misshapen 1 tensor: conv1.weight (f32 [64, 3, 3, 3] in the file, f32 [64, 3, 7, 7] in the "
            "network)"));

  error = error_of(*network, changed(good, [](std::string& name, Tensor&) {
    if (name.starts_with("layer")) name.clear();
  }));
  CHECK(error ==
        "weights does not fit resnet18: missing 95 tensors: layer1.0.conv1.weight, layer1.0.bn1.weight, "
        "layer1.0.bn1.bias and 92 more; " +
            remedy);

  error = error_of(*network, changed(good, [](std::string& name, Tensor&) { name = "net." + name; }),
                   {.source = "b.pth"});
  CHECK(error ==
        "b.pth: no tensor fits resnet18; missing 102 tensors: conv1.weight and 101 more; unexpected 102 "
        "tensors: net.conv1.weight and 101 more; " +
            remedy);

  StateDict more = changed(good, [](std::string&, Tensor&) {});
  for (const char* name : {"ema.a", "ema.b", "ema.c", "ema.d"}) more.add(name, Tensor::zeros_host({1}));
  CHECK(error_of(*network, more) ==
        "weights does not fit resnet18: unexpected 4 tensors: ema.a, ema.b, ema.c and 1 more; leave them out "
        "with "
        "--ignore GLOB");
  CHECK(has(error_of(*network, more, {.remedy = "do that"}), "ema.c and 1 more; do that"));

  for (const Parameter* p : network->parameters())
    if (p->name == "conv1.weight") CHECK(to_contiguous(p->value)[0] == 0.0f);
}

TEST_CASE("a DenseNet file of 2017 is read under today's names") {
  const auto from = make_network("densenet_bc_16_6", {.num_classes = 2});
  initialize(*from, 7);
  const StateDict today = from->state_dict();
  const StateDict old = changed(today, [](std::string& name, Tensor&) {
    if (name.find("denselayer") == std::string::npos) return;
    for (const char* part : {".norm1.", ".norm2.", ".conv1.", ".conv2."})
      if (const auto at = name.find(part); at != std::string::npos) name.insert(at + 5, ".");
  });
  CHECK(old.contains("features.denseblock1.denselayer1.norm.1.running_mean"));
  CHECK(old.contains("features.transition1.norm.weight"));
  const auto to = make_network("densenet_bc_16_6", {.num_classes = 2});
  load_weights(*to, old);
  const StateDict loaded = to->state_dict();
  for (const auto& [name, tensor] : today)
    if (tensor.dtype() == DType::f32) CHECK(to_contiguous(loaded.at(name)) == to_contiguous(tensor));

  StateDict both;
  for (const auto& [name, tensor] : today) both.add(name, tensor);
  both.add("features.denseblock1.denselayer1.norm.1.weight",
           today.at("features.denseblock1.denselayer1.norm1.weight"));
  CHECK(error_of(*to, both, {.source = "c.pth"}) ==
        "c.pth: both features.denseblock1.denselayer1.norm.1.weight and "
        "features.denseblock1.denselayer1.norm1.weight are there, which are one tensor of densenet_bc_16_6; "
        "leave one out or rename it with convert --rename");
}

TEST_CASE("a head with other features is misshapen, not replaced") {
  const auto network = make_network("resnet18", {.num_classes = 10});
  const StateDict wide =
      changed(test::formula::weights(network->state_dict()), [](std::string& name, Tensor& tensor) {
        if (name == "fc.weight") tensor = Tensor::zeros_host({10, 2048});
      });
  CHECK(has(error_of(*network, wide, {.replace_head = true}), "misshapen 1 tensor: fc.weight"));
}

}  // namespace
}  // namespace thaw
