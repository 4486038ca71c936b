// What ops cost at least, by hand; and that a counting backend adds it up.
#include <doctest/doctest.h>

#include "kernels/counting_backend.h"

namespace thaw::test {
namespace {

View view(std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c, DType type) {
  static float memory = 0.0f;
  View v;
  v.data = &memory;
  v.type = type;
  v.n = n;
  v.h = h;
  v.w = w;
  v.c = v.pitch = c;
  return v;
}

void check(const Cost& cost, std::int64_t flops, std::int64_t read, std::int64_t written) {
  CHECK(cost.flops == flops);
  CHECK(cost.read == read);
  CHECK(cost.written == written);
}

}  // namespace

TEST_SUITE("kernels") {
  TEST_CASE("cost of a convolution: two per multiply-add, each tensor once") {
    const View x = view(2, 8, 8, 4, DType::bf16), y = view(2, 4, 4, 6, DType::bf16);
    const Conv2dSpec spec{
        .in = 4, .out = 6, .kernel_h = 3, .kernel_w = 3, .stride = 2, .padding = 1, .groups = 2};
    const std::int64_t weights = 6 * 3 * 3 * 2, flops = 2 * (2 * 4 * 4) * weights;
    const float bias = 0.0f;
    const Weights weight{nullptr, DType::bf16};
    Conv2dForward forward{.spec = spec, .x = x, .weight = weight, .y = y};
    check(forward.cost(), flops, 2 * 512 + 2 * weights, 2 * 192);
    forward.bias = &bias;
    forward.residual = y;
    check(forward.cost(), flops, 2 * 512 + 2 * weights + 4 * 6 + 2 * 192, 2 * 192);
    check(Conv2dBackwardData{.spec = spec, .dy = y, .weight = weight, .dx = x}.cost(), flops,
          2 * 192 + 2 * weights, 2 * 512);
    check(Conv2dBackwardData{.spec = spec, .dy = y, .weight = weight, .dx = x, .into = Into::add}.cost(),
          flops, 2 * 192 + 2 * weights + 2 * 512, 2 * 512);
    Conv2dBackwardWeight gradient{.spec = spec, .x = x, .dy = y, .dweight = nullptr, .into = Into::assign};
    check(gradient.cost(), flops, 2 * 512 + 2 * 192, 4 * weights);
    gradient.into = Into::add;
    check(gradient.cost(), flops, 2 * 512 + 2 * 192 + 4 * weights, 4 * weights);
    CountingBackend counting;
    counting(forward);
    counting(gradient);
    counting(ReluForward{.x = x, .y = x});
    CHECK(counting.flops() == static_cast<double>(2 * flops));
  }

  TEST_CASE("cost of ops that move bytes: what is not wanted is not counted") {
    const View x = view(2, 3, 5, 9, DType::f32);
    const std::int64_t values = 2 * 3 * 5 * 9, mask = 2 * 3 * 5 * 2;
    std::uint8_t bits = 0;
    BatchNormApply apply{
        .spec = {}, .x = x, .mean = nullptr, .var = nullptr, .gamma = nullptr, .beta = nullptr, .y = x};
    check(apply.cost(), 0, 4 * values + 16 * 9, 4 * values);
    apply.relu_mask = &bits;
    apply.residual = x;
    check(apply.cost(), 0, 8 * values + 16 * 9, 4 * values + mask);
    check(Copy{.x = x, .y = x}.cost(), 0, 4 * values, 4 * values);
    check(Copy{.x = x, .y = x, .into = Into::add}.cost(), 0, 8 * values, 4 * values);
    const ArenaSegment segments[] = {{.begin = 0, .end = 10}, {.begin = 16, .end = 20}};
    SgdStep step{.spec = {.momentum = 0.0f},
                 .segments = segments,
                 .segment_count = 2,
                 .state = nullptr,
                 .gradient = nullptr,
                 .weight = nullptr};
    check(step.cost(), 0, 14 * 8, 14 * 4);
    step.spec.momentum = 0.9f;
    check(step.cost(), 0, 14 * 12, 14 * 8);
  }
}

}  // namespace thaw::test
