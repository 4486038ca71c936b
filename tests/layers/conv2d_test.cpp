#include "layers/conv2d.h"

#include <doctest/doctest.h>

#include "kernels/counting_backend.h"
#include "layers/activation.h"
#include "layers/elementwise.h"
#include "models/registry.h"
#include "tests/layers/numeric.h"
#include "tests/support/devices.h"

namespace thaw {
namespace {

// y = conv(x) + f(x), where conv multiplies by 3 and dy is 1, 2.
std::vector<float> gradient_of_fork(Backend& backend, const std::function<Variable(const Variable&)>& other) {
  Conv2d conv({.in = 1, .out = 1});
  conv.weight.value.copy_from(from_contiguous(std::vector<float>{3}, {1, 1, 1, 1}));
  conv.to(backend);
  const ParameterArenas arenas(backend, conv.parameters(), DType::f32);
  const Variable x(from_contiguous(std::vector<float>{-1, 1}, {1, 1, 1, 2}).to(backend), true);
  const Variable y = add(conv.forward(x, Mode::eval()), other(x), "sum");
  backward(y, from_contiguous(std::vector<float>{1, 2}, {1, 1, 1, 2}).to(backend));
  return to_contiguous(x.grad());
}

TEST_CASE("conv2d: the input's gradient is added to one that it has already") {
  for (const auto& backend : test::backends()) {
    CAPTURE(backend->name());
    const auto relus = [](const Variable& x) { return relu(x, "relu"); };
    CHECK(gradient_of_fork(*backend, relus) == std::vector<float>{3, 8});
    // The sums give one tensor to x and to another: it is not written to.
    const Variable another(from_contiguous(std::vector<float>{0, 0}, {1, 1, 1, 2}).to(*backend), true);
    const auto shared = [&](const Variable& x) { return add(x, another, "inner sum"); };
    CHECK(gradient_of_fork(*backend, shared) == std::vector<float>{4, 8});
    CHECK(to_contiguous(another.grad()) == std::vector<float>{1, 2});
  }
}

class CountingAdditions final : public CountingBackend {
 public:
  int additions = 0, sums = 0;

  using CountingBackend::run;
  void run(const Add&) override { ++additions; }
  void run(const Conv2dBackwardData& op) override { sums += op.into == Into::add ? 1 : 0; }
};

TEST_CASE("resnet: no gradient is added by a pass of its own where a convolution can add it") {
  CountingAdditions backend;
  const auto network = make_network("resnet18", {.num_classes = 10});
  network->to(backend);
  const ParameterArenas arenas(backend, network->parameters(), DType::f32);
  const Variable x(Tensor::empty(backend, {2, 3, 64, 64}));
  const Variable logits = network->forward(x, Mode::train());
  backward(logits, Tensor::empty(backend, logits.value().shape()));
  CHECK(backend.additions == 0);
  CHECK(backend.sums == 8);  // a fork in each block
}

}  // namespace
}  // namespace thaw
