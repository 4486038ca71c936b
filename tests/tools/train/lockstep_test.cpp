// Training on the CUDA backend in lock-step with the reference, stage by stage: each stage gets the
// reference's input and the reference's gradient, each step the reference's values and momentum, so that a
// difference is the stage's own. Prints the largest difference of each, which tests/gpu puts into its report.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "layers/losses.h"
#include "models/registry.h"
#include "models/weights/initialize.h"
#include "optim/optimizer.h"
#include "tests/support/devices.h"
#include "tools/network/image_input.h"
#include "tools/network/model_description.h"

namespace thaw {
namespace {

constexpr int steps = 3;
constexpr std::int64_t batch = 4, classes = 10;

Tensor noise(std::int64_t size) {
  Tensor pictures = Tensor::empty_host({batch, 3, size, size}, DType::u8);
  PhiloxStream stream(1, Purpose::test, 0, 0);
  std::generate_n(pictures.as<std::uint8_t>(), pictures.elements(),
                  [&] { return static_cast<std::uint8_t>(stream.bits()); });
  return pictures;
}

// What a step computed, in the order of computing, and what leads another device through the same step.
struct Trace {
  std::vector<std::pair<std::string, std::vector<float>>> results;
  std::vector<std::vector<float>> inputs;     // of the stages, then of the loss
  std::vector<std::vector<float>> gradients;  // of the stages' outputs
  std::vector<float> values;                  // of the arena at the end
  StateDict momentum;                         // at the end
};

class Side {
 public:
  Side(Backend& backend, const std::string& model, DType type)
      : backend_(backend),
        type_(type),
        network_(make_network(model, {.num_classes = classes})),
        control_(backend) {
    initialize(*network_, 1);
    network_->to(backend);
    arenas_ = ParameterArenas(backend, network_->parameters(), type);
    optimizer_ = make_optimizer("sgd", {.momentum = 0.9f, .weight_decay = 1e-4f});
    optimizer_->plan(arenas_);
  }

  // `lead`: the reference's step; null: this is the reference.
  Trace step(const Tensor& pictures, int number, const Trace* lead) {
    Trace trace;
    control_.begin({.step = static_cast<std::uint64_t>(number), .lr = 0.01f});
    arenas_.clear_gradients();
    const auto& stages = network_->stages();
    const std::size_t count = stages.size();
    std::vector<Variable> inputs, outputs;
    Tensor next = ImageInput(backend_, default_preprocess(*network_), type_)(pictures, {}).value();
    trace.results.push_back({"forward input", to_contiguous(next)});
    for (std::size_t s = 0; s < count; ++s) {
      inputs.emplace_back(led(next, lead ? &lead->inputs[s] : nullptr, trace.inputs), s > 0);
      outputs.push_back(network_->run(inputs[s], s, s + 1, Mode::train(control_.device())));
      next = outputs[s].value();
      trace.results.push_back({"forward " + stages[s].name, to_contiguous(next)});
    }
    const Variable logits(led(next, lead ? &lead->inputs[count] : nullptr, trace.inputs), true);
    const std::vector<int> labels{3, 1, 4, 5};
    const float divisor = label_normalizer(labels, {});
    const Loss loss = softmax_cross_entropy(logits, label_targets(labels, classes, 0.1f, {}).to(backend_),
                                            from_contiguous({&divisor, 1}, {1}).to(backend_));
    trace.results.push_back({"forward loss", to_contiguous(loss.loss.value())});
    backward(loss.loss);
    next = logits.grad();
    trace.gradients.resize(count);
    trace.results.push_back({"gradient loss", to_contiguous(next)});
    for (std::size_t s = count; s-- > 0;) {
      std::vector<std::vector<float>> kept;
      backward(outputs[s], led(next, lead ? &lead->gradients[s] : nullptr, kept));
      trace.gradients[s] = kept.front();
      for (const Parameter* p : arenas_.trainable())
        if (p->name.starts_with(stages[s].module->path() + "."))
          trace.results.push_back({"gradient " + stages[s].name, to_contiguous(p->grad)});
      if (s == 0) break;
      next = inputs[s].grad();
      trace.results.push_back({"gradient " + stages[s].name, to_contiguous(next)});
    }
    optimizer_->step(control_);
    for (const auto& stage : stages)
      for (const Parameter* p : arenas_.trainable())
        if (p->name.starts_with(stage.module->path() + "."))
          trace.results.push_back({"values " + stage.name, to_contiguous(p->value)});
    Tensor values = arenas_.values(), copies = arenas_.low_precision();
    trace.values = lead ? lead->values : to_contiguous(values);
    trace.momentum = optimizer_->state_dict();
    if (lead) {
      values.copy_from(from_contiguous(lead->values, values.shape()));
      if (copies.defined()) backend_(Copy{.x = values.view(), .y = copies.view()});
      arenas_.values_changed();
      optimizer_->load_state_dict(lead->momentum);
    }
    return trace;
  }

 private:
  // `own`, or the reference's values in a tensor like it; keeps them for who is led in turn.
  Tensor led(const Tensor& own, const std::vector<float>* lead, std::vector<std::vector<float>>& kept) {
    kept.push_back(lead ? *lead : to_contiguous(own));
    if (!lead) return own;
    const Tensor f32 = from_contiguous(*lead, own.shape()).to(backend_);
    Tensor result = Tensor::empty(backend_, own.shape(), own.dtype());
    backend_(Copy{.x = f32.view(), .y = result.view()});
    return result;
  }

  Backend& backend_;
  DType type_;
  std::unique_ptr<Network> network_;
  ParameterArenas arenas_;
  std::unique_ptr<Optimizer> optimizer_;
  StepControl control_;
};

// The Euclidean length of the difference over that of `a`.
double difference(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double apart = 0.0, length = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    apart += d * d;
    length += static_cast<double>(a[i]) * static_cast<double>(a[i]);
  }
  return apart == 0.0 ? 0.0 : std::sqrt(apart / length);
}

// Of every result the difference in each step must be below `forward` or `backward`, and in at least one step
// below `best`.
struct Bounds {
  double forward, backward, best;
};

struct Seen {
  double least, most;
};

void compare(const std::string& model, std::int64_t size, DType type, const Bounds& bounds) {
  Backend* cuda = test::backend_named("cuda");
  if (cuda == nullptr) {
    MESSAGE("not run: needs a cuda backend");
    return;
  }
  Side reference(*test::backend_named("reference"), model, type), device(*cuda, model, type);
  const Tensor pictures = noise(size);
  std::vector<std::string> names;
  std::vector<Seen> seen;
  for (int i = 0; i < steps; ++i) {
    const Trace expected = reference.step(pictures, i, nullptr), got = device.step(pictures, i, &expected);
    REQUIRE(got.results.size() == expected.results.size());
    seen.resize(got.results.size(), {1e30, 0.0});
    names.resize(got.results.size());
    for (std::size_t k = 0; k < got.results.size(); ++k) {
      names[k] = expected.results[k].first;
      const double d = difference(expected.results[k].second, got.results[k].second);
      CAPTURE(i);
      CAPTURE(names[k]);
      CHECK(d <= (names[k].starts_with("forward") ? bounds.forward : bounds.backward));
      seen[k] = {std::min(seen[k].least, d), std::max(seen[k].most, d)};
    }
  }
  for (std::size_t k = 0; k < seen.size(); ++k) {
    CAPTURE(names[k]);
    CHECK(seen[k].least <= bounds.best);
  }
  // Of a stage's tensors the worst, in the order of computing.
  for (std::size_t k = 0; k < seen.size(); ++k) {
    if (std::find(names.begin(), names.end(), names[k]) != names.begin() + static_cast<std::ptrdiff_t>(k))
      continue;
    Seen worst{0.0, 0.0};
    for (std::size_t other = k; other < seen.size(); ++other)
      if (names[other] == names[k])
        worst = {std::max(worst.least, seen[other].least), std::max(worst.most, seen[other].most)};
    std::printf("lockstep\t%s %s\t%s\t%.1e\t%.1e\n", model.c_str(), dtype_name(type), names[k].c_str(),
                worst.most, worst.least);
  }
}

// f32: sums of up to 4608 products in another order differ by some 70 * 2^-24 of their size, a stage has up
// to 18 of them. A value that the order moves to the other side of a ReLU's 0 takes or gives a whole
// gradient: one of the 16384 that leave layer3 is 1 %, and its neighbours follow; it is rare, and another one
// in each step. Seen: forward 3e-6, backward 5e-6, and 9e-3 with such a value.
constexpr Bounds f32_bounds{.forward = 1e-5, .backward = 3e-2, .best = 2e-5};
// bf16: each op rounds to 2^-9; where sums fall on either side of a rounding edge they are 2^-8 apart, and
// some values cross the 0 of a ReLU in every step. Seen: forward 3e-3, backward 8e-2.
constexpr Bounds bf16_bounds{.forward = 1e-2, .backward = 2e-1, .best = 2e-1};

TEST_CASE("lockstep: resnet20 in f32") {
  compare("resnet20", 32, DType::f32, f32_bounds);
}
TEST_CASE("lockstep: resnet20 in bf16") {
  compare("resnet20", 32, DType::bf16, bf16_bounds);
}
TEST_CASE("lockstep: resnet18 in f32") {
  compare("resnet18", 64, DType::f32, f32_bounds);
}
TEST_CASE("lockstep: resnet18 in bf16") {
  compare("resnet18", 64, DType::bf16, bf16_bounds);
}
TEST_CASE("lockstep: resnet50 in f32") {
  compare("resnet50", 64, DType::f32, f32_bounds);
}

}  // namespace
}  // namespace thaw
