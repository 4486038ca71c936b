// The sliced form of a DenseNet block against the plain one, node by node: outputs, every gradient, running
// statistics, for every way to freeze parts of it.
#include "layers/dense_block.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/layers/numeric.h"
#include "tests/support/devices.h"
#include "tests/support/step_results.h"

namespace thaw {
namespace {

using test::random_tensor;

// A block of three layers and its transition.
struct Net : Module {
  Net(std::int64_t in, std::int64_t growth) : block(in, growth, 3, 4), transition(block.out(), 8) {
    add_child("block", block);
    add_child("transition", transition);
    name_all();
  }
  Variable forward(const Variable& x, Mode mode) override {
    BatchStatistics statistics;
    const Variable y = block.forward(x, mode, statistics);
    return transition.forward(y, mode, statistics);
  }
  DenseBlock block;
  DenseTransition transition;
};

// Random weights; gamma around 1, running variance in [0.5, 1.5). The same for every net of these sizes.
void fill(Net& net) {
  std::uint64_t seed = 1;
  const auto set = [&seed](Tensor& t, float base, float spread) {
    std::vector<float> v = test::random_values(t.elements(), seed++);
    for (float& x : v) x = base + spread * x;
    t.copy_from(from_contiguous(v, t.shape()));
  };
  net.visit([&](Module& m) {
    if (auto* bn = dynamic_cast<BatchNorm2d*>(&m)) {
      set(bn->weight.value, 1.0f, 0.5f);
      set(bn->bias.value, 0.0f, 0.5f);
      set(bn->running_mean.value, 0.0f, 0.5f);
      set(bn->running_var.value, 1.0f, 0.5f);
    } else if (auto* conv = dynamic_cast<Conv2d*>(&m)) {
      const Conv2dSpec& s = conv->spec();
      set(conv->weight.value, 0.0f, std::sqrt(3.0f / static_cast<float>(s.in * s.kernel_h * s.kernel_w)));
    }
  });
}

struct Setting {
  const char* name;
  std::vector<std::string> frozen;  // paths of frozen modules
  BatchNormPolicy policy = BatchNormPolicy::automatic;
  bool x_wants = true;
  bool training = true;
};

test::StepResults step(Backend& backend, DType type, std::int64_t in, std::int64_t growth,
                       const Setting& setting, DenseForm form) {
  Net net(in, growth);
  fill(net);
  net.visit([&](Module& m) {
    for (const std::string& path : setting.frozen)
      if (m.path() == path) m.freeze();
  });
  set_batch_norm_policy(net, setting.policy);
  set_dense_form(net, form);
  net.to(backend);
  ParameterArenas arenas(backend, net.parameters(), type);
  arenas.clear_gradients();

  const Tensor x32 = random_tensor(backend, {2, in, 5, 6}, 100);
  const Tensor xt = Tensor::empty(backend, x32.shape(), type);
  backend(Copy{.x = x32.view(), .y = xt.view()});
  const Variable x(xt, setting.x_wants);
  const Variable y = net.forward(x, setting.training ? Mode::train() : Mode::eval());
  test::StepResults results;
  const auto keep = [&](const std::string& name, const Tensor& t) {
    const Tensor f32 = Tensor::empty(backend, t.shape());
    backend(Copy{.x = t.view(), .y = f32.view()});
    results[name] = to_contiguous(f32);
  };
  keep("y", y.value());
  if (y.requires_grad()) {
    const Tensor g32 = random_tensor(backend, y.value().shape(), 101);
    const Tensor g = Tensor::empty(backend, g32.shape(), type);
    backend(Copy{.x = g32.view(), .y = g.view()});
    backward(y, g);
  }
  if (setting.x_wants) keep("dx", x.grad());
  if (setting.training)
    for (const Parameter* p : net.parameters())
      if (!p->frozen) {
        CHECK(p->has_grad);
        keep("d" + p->name, p->grad);
      }
  test::add_buffers(results, net);
  return results;
}

const std::string layer = "block.denselayer";

const Setting settings[] = {
    {"all trained", {}},
    {"all trained, x wants nothing", {}, BatchNormPolicy::automatic, false},
    {"all trained, running statistics", {}, BatchNormPolicy::frozen},
    {"all frozen, passing through", {"block", "transition"}},
    {"all frozen, statistics move", {"block", "transition"}, BatchNormPolicy::train},
    {"all frozen, statistics move, x wants nothing", {"block", "transition"}, BatchNormPolicy::train, false},
    {"all frozen, x wants nothing", {"block", "transition"}, BatchNormPolicy::automatic, false},
    {"layer 1 frozen", {layer + "1"}, BatchNormPolicy::automatic, false},
    {"layers 1 and 2 frozen, statistics move", {layer + "1", layer + "2"}, BatchNormPolicy::train, false},
    {"layer 2 frozen", {layer + "2"}},
    {"layer 3 and transition frozen", {layer + "3", "transition"}, BatchNormPolicy::automatic, false},
    {"norm1 of layer 3 frozen", {layer + "3.norm1"}},
    {"norm1 of layers 1 and 2 frozen", {layer + "1.norm1", layer + "2.norm1"}},
    {"conv1 frozen",
     {layer + "1.conv1", layer + "2.conv1", layer + "3.conv1"},
     BatchNormPolicy::automatic,
     false},
    {"conv2 frozen",
     {layer + "1.conv2", layer + "2.conv2", layer + "3.conv2"},
     BatchNormPolicy::automatic,
     false},
    {"norm2 frozen", {layer + "1.norm2", layer + "2.norm2", layer + "3.norm2"}},
    {"norm2 and conv1 of layer 2 frozen: folded", {layer + "2.norm2", layer + "2.conv1"}},
    {"only conv2 of layer 1 trained",
     {layer + "1.norm1", layer + "1.conv1", layer + "1.norm2", layer + "2", layer + "3", "transition"},
     BatchNormPolicy::automatic,
     false},
    {"only norm1 of layer 2 trained",
     {layer + "1", layer + "2.conv1", layer + "2.norm2", layer + "2.conv2", layer + "3", "transition"},
     BatchNormPolicy::train,
     false},
    {"evaluation", {}, BatchNormPolicy::automatic, false, false},
    {"evaluation, passing through", {}, BatchNormPolicy::automatic, true, false},
};

TEST_CASE("dense block: slices equal the plain form, gradients and running statistics included") {
  for (const auto& backend : test::backends())
    for (const Setting& setting : settings) {
      CAPTURE(backend->name());
      CAPTURE(setting.name);
      // f32 sums of a few hundred terms in another order: some 1e-6 of the largest value.
      test::check_near(step(*backend, DType::f32, 8, 4, setting, DenseForm::slices),
                       step(*backend, DType::f32, 8, 4, setting, DenseForm::concat), 2e-5);
    }
}

TEST_CASE("dense block: slices that begin anywhere") {
  for (const auto& backend : test::backends()) {
    CAPTURE(backend->name());
    test::check_near(step(*backend, DType::f32, 5, 3, settings[0], DenseForm::slices),
                     step(*backend, DType::f32, 5, 3, settings[0], DenseForm::concat), 2e-5);
  }
}

TEST_CASE("dense block: slices equal the plain form in bf16") {
  for (const test::Device& device : test::devices()) {
    if (device.type != DType::bf16) continue;
    CAPTURE(device.text());
    // Activations are rounded to 8 bits in both forms, and seven times from one end to the other.
    test::check_near(step(device.backend, DType::bf16, 8, 8, settings[0], DenseForm::slices),
                     step(device.backend, DType::bf16, 8, 8, settings[0], DenseForm::concat), 0.06);
  }
}

TEST_CASE("dense block: one node, which saves less than the plain form") {
  const auto backend = make_backend("reference");
  const auto saved = [&](DenseForm form) {
    Net net(8, 4);
    fill(net);
    set_dense_form(net, form);
    net.to(*backend);
    const ParameterArenas arenas(*backend, net.parameters(), DType::f32);
    const Variable x(random_tensor(*backend, {2, 8, 32, 32}, 1), true);
    const std::size_t before = backend->bytes_in_use();
    const Variable y = net.block.forward(x, Mode::train());
    if (form == DenseForm::slices) {
      CHECK(tape(y).size() == 1);
      CHECK(y.node()->op == "dense_block");
      CHECK(y.node()->module == "block");
    } else {
      CHECK(tape(y).size() > 10);
    }
    return backend->bytes_in_use() - before;
  };
  const std::size_t pixels = 2 * 32 * 32 * sizeof(float), statistics = 8192;
  // The buffer of 20 channels and three times 16 between the convolutions.
  CHECK(saved(DenseForm::slices) <= (20 + 3 * 16) * pixels + statistics);
  CHECK(saved(DenseForm::concat) > 2 * (20 + 3 * 16) * pixels);
}

TEST_CASE("dense block: frozen layers before the first trained one save nothing") {
  const auto backend = make_backend("reference");
  Net net(8, 4);
  fill(net);
  net.block.children()[0].module->freeze();
  net.block.children()[1].module->freeze();
  net.to(*backend);
  const ParameterArenas arenas(*backend, net.parameters(), DType::f32);
  const Variable x(random_tensor(*backend, {2, 8, 32, 32}, 1));
  net.block.forward(x, Mode::train());  // folds
  const std::size_t before = backend->bytes_in_use();
  const Variable y = net.block.forward(x, Mode::train());
  CHECK(backend->bytes_in_use() - before <= (20 + 16) * 2 * 32 * 32 * sizeof(float) + 8192);

  net.block.freeze();
  const ParameterArenas none(*backend, net.parameters(), DType::f32);
  CHECK(net.block.forward(x, Mode::train()).node() == nullptr);
}

TEST_CASE("dense block: wrong inputs") {
  const auto backend = make_backend("reference");
  Net net(8, 4);
  fill(net);
  net.to(*backend);
  const ParameterArenas arenas(*backend, net.parameters(), DType::f32);
  const auto run = [&](const Shape& shape) {
    net.block.forward(Variable(random_tensor(*backend, shape, 1)), Mode::train());
  };
  CHECK_THROWS_WITH_AS(run({2, 7, 4, 4}), "dense block block: takes [N, 8, H, W], got [2, 7, 4, 4]", Error);
  CHECK_THROWS_WITH_AS(
      run({1, 8, 1, 1}),
      "batch_norm block.denselayer1.norm1: statistics of one value per channel (input [1, 8, 1, 1]); "
      "use a batch of 2 or more, or --bn frozen",
      Error);
  CHECK_THROWS_AS(DenseBlock(8, 4, 0, 4), Error);
}

}  // namespace
}  // namespace thaw
