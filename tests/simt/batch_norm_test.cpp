// BatchNorm and bias gradients, as CUDA runs them, against the reference's loops in double.
#include "kernels/reference/batch_norm.h"

#include <memory>

#include "kernels/reference/conv2d.h"
#include "tests/simt/canvas.h"

namespace thaw::simt_test {
namespace {

// Odd channels, a slice, several tiles of channels, and more pixels than one pass of the emulator's grid.
const Extent extents[] = {{1, 1, 1, 1, 1},   {2, 5, 7, 3, 3},   {2, 4, 4, 12, 17},   {2, 3, 4, 12, 12},
                          {3, 3, 3, 17, 17}, {2, 3, 3, 24, 40}, {1, 2, 2, 520, 520}, {5, 3, 5, 264, 264},
                          {7, 33, 31, 8, 8}, {3, 41, 43, 5, 9}, {2, 9, 9, 160, 256}, {4, 11, 13, 288, 512}};

struct Channels {
  Channels(const TestQueue& q, Index c, std::uint64_t seed, float offset)
      : host(random_values<float>(static_cast<std::size_t>(c), seed)) {
    for (float& v : host) v += offset;
    reference = doubles(host);
    device = std::make_unique<DeviceArray<float>>(q, host);
  }
  const float* data() const { return device->data(); }
  std::vector<float> host;
  std::vector<double> reference;
  std::unique_ptr<DeviceArray<float>> device;
};

std::vector<std::uint8_t> random_mask(const Extent& e) {
  PhiloxStream stream(5, Purpose::test, 0, 0);
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(relu_mask_bytes(e.pixels(), e.c)));
  for (auto& byte : mask) byte = static_cast<std::uint8_t>(stream.bits());
  return mask;
}

template <class T>
void check_statistics(const Extent& e, float offset, Index slack,
                      unsigned multiprocessors = ::simt::multiprocessors()) {
  TestQueue q;
  q.queue.multiprocessors = multiprocessors;
  Canvas<T> x(q, e, 1, offset, slack);
  const auto c = static_cast<std::size_t>(e.c);
  std::vector<double> mean(c), var(c);
  reference::batch_norm_statistics<double>(x.image(), mean.data(), var.data());
  const DeviceArray<float> m(q, c), v(q, c);
  const BatchNormStatistics op{.x = x.view(), .mean = m.data(), .var = v.data()};
  const TestWorkspace workspace(q, op);
  cuda::run(q.queue, op, workspace.get());
  CHECK(mismatch(m.host(), mean, 2e-7) == "");
  CHECK(mismatch(v.host(), var, 2e-6) == "");
  CHECK(::simt::take_fault() == "");
}

template <class T>
void check_apply(const Extent& e, Activation activation, bool with_residual, Index slack) {
  const TestQueue q;
  Canvas<T> x(q, e, 1, 0, slack), residual(q, e, 2), y(q, e, 3);
  const Channels mean(q, e.c, 4, 0), var(q, e.c, 5, 1.2f), gamma(q, e.c, 6, 0.5f), beta(q, e.c, 7, 0);
  const BatchNormSpec spec{.activation = activation};
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(relu_mask_bytes(e.pixels(), e.c)));
  const DeviceArray<std::uint8_t> dev_mask(q, mask.size());
  reference::batch_norm_apply<double>(spec, x.image(),
                                      {.mean = mean.reference.data(),
                                       .var = var.reference.data(),
                                       .gamma = gamma.reference.data(),
                                       .beta = beta.reference.data()},
                                      with_residual ? residual.image() : reference::Image<double>{},
                                      y.image(), mask.data());
  const ConstView r = with_residual ? ConstView(residual.view()) : ConstView();
  cuda::run(q.queue, BatchNormApply{.spec = spec,
                                    .x = x.view(),
                                    .mean = mean.data(),
                                    .var = var.data(),
                                    .gamma = gamma.data(),
                                    .beta = beta.data(),
                                    .residual = r,
                                    .y = y.view(),
                                    .relu_mask = dev_mask.data()});
  CHECK(y.mismatch(2e-6) == "");
  CHECK(dev_mask.host() == mask);
  const std::vector<T> apart = y.host();
  cuda::run(q.queue, BatchNormApply{.spec = spec,
                                    .x = x.view(),
                                    .mean = mean.data(),
                                    .var = var.data(),
                                    .gamma = gamma.data(),
                                    .beta = beta.data(),
                                    .residual = r,
                                    .y = x.view()});  // in place
  const std::vector<T> within = x.host();
  std::size_t wrong = 0;
  for (Index p = 0; p < e.pixels(); ++p)
    for (Index c = 0; c < e.c; ++c) {
      const auto at = static_cast<std::size_t>(p * e.pitch + c);
      wrong +=
          static_cast<float>(apart[at]) != static_cast<float>(within[at + static_cast<std::size_t>(slack)]);
    }
  CHECK(wrong == 0);
  CHECK(::simt::take_fault() == "");
}

// Up to 7,161 values, in f32 by runs of 16 and in double beyond; in f32 throughout they would err by 1e-4.
constexpr double sum_tolerance = 1e-5;

// Both gradients; `masked`: behind a ReLU; `moving`: with batch statistics.
template <class T>
void check_backward(const Extent& e, bool masked, bool moving, Into into,
                    unsigned multiprocessors = ::simt::multiprocessors()) {
  TestQueue q;
  q.queue.multiprocessors = multiprocessors;
  Canvas<T> dy(q, e, 1), x(q, e, 2, 0.3f), dx(q, e, 3), dresidual(q, e, 4);
  const Channels mean(q, e.c, 5, 0), var(q, e.c, 6, 1.2f), gamma(q, e.c, 7, 0.5f);
  const std::vector<std::uint8_t> mask = random_mask(e);
  const DeviceArray<std::uint8_t> dev_mask(q, mask);
  const std::uint8_t *host_bits = masked ? mask.data() : nullptr, *bits = masked ? dev_mask.data() : nullptr;
  const BatchNormSpec spec;
  const auto c = static_cast<std::size_t>(e.c);
  std::vector<double> g(c), gx(c);
  reference::batch_norm_backward_reduce<double>(spec, dy.image(), x.image(),
                                                {.mean = mean.reference.data(), .var = var.reference.data()},
                                                host_bits, g.data(), gx.data());
  const DeviceArray<float> dev_g(q, c), dev_gx(q, c);
  const BatchNormBackwardReduce op{.spec = spec,
                                   .dy = dy.view(),
                                   .x = x.view(),
                                   .mean = mean.data(),
                                   .var = var.data(),
                                   .relu_mask = bits,
                                   .sum_g = dev_g.data(),
                                   .sum_g_xhat = dev_gx.data()};
  const TestWorkspace workspace(q, op);
  cuda::run(q.queue, op, workspace.get());
  CHECK(mismatch(dev_g.host(), g, sum_tolerance) == "");
  CHECK(mismatch(dev_gx.host(), gx, sum_tolerance) == "");

  reference::batch_norm_backward_apply<double>(
      spec, dy.image(), x.image(),
      {.mean = mean.reference.data(), .var = var.reference.data(), .gamma = gamma.reference.data()},
      host_bits, moving ? g.data() : nullptr, moving ? gx.data() : nullptr, dx.image(), into,
      dresidual.image());
  cuda::run(q.queue, BatchNormBackwardApply{.spec = spec,
                                            .dy = dy.view(),
                                            .x = moving ? ConstView(x.view()) : ConstView(),
                                            .mean = mean.data(),
                                            .var = var.data(),
                                            .gamma = gamma.data(),
                                            .relu_mask = bits,
                                            .sum_g = moving ? dev_g.data() : nullptr,
                                            .sum_g_xhat = moving ? dev_gx.data() : nullptr,
                                            .dx = dx.view(),
                                            .into = into,
                                            .dresidual = dresidual.view()});
  CHECK(dx.mismatch(4e-6) == "");
  CHECK(dresidual.mismatch(0) == "");
  CHECK(::simt::take_fault() == "");
}

template <class T>
void check_bias(const Extent& e, Into into) {
  const TestQueue q;
  Canvas<T> dy(q, e, 1);
  const Channels bias(q, e.c, 2, 0);
  std::vector<double> sums = bias.reference;
  reference::bias_backward<double>(dy.image(), sums.data(), into);
  const BiasBackward op{.dy = dy.view(), .dbias = bias.device->data(), .into = into};
  const TestWorkspace workspace(q, op);
  cuda::run(q.queue, op, workspace.get());
  CHECK(mismatch(bias.device->host(), sums, sum_tolerance) == "");
  CHECK(::simt::take_fault() == "");
}

// 352 parts of the pixels on the 132 multiprocessors of an H100; one pass of finish_sums_kernel takes 32.
TEST_CASE("sums over the many parts that a large device makes") {
  const Extent wide{1, 150, 150, 40, 40};
  {
    TestQueue q;
    q.queue.multiprocessors = 132;
    const Canvas<bf16> x(q, wide, 1);
    const BatchNormStatistics op{.x = x.view(), .mean = nullptr, .var = nullptr};
    REQUIRE(cuda::workspace_bytes(q.queue, op) >= std::size_t{352} * 40 * sizeof(double));
  }
  check_statistics<float>(wide, 0.5f, 0, 132);
  check_backward<bf16>(wide, true, true, Into::assign, 132);
}

TEST_CASE("batch_norm_statistics equals two passes in double") {
  under_schedules([] {
    for (const Extent& e : extents) {
      CAPTURE(e.text());
      check_statistics<float>(e, 0, 0);
      check_statistics<bf16>(e, 0, 0);
      check_statistics<float>(e, 0, 1);  // unaligned
    }
  });
}

TEST_CASE("a small variance beside a large mean is kept, and a constant channel has none") {
  const TestQueue q;
  const Extent e{4, 16, 16, 5, 5};
  auto values = random_values<float>(e.elements(), 1);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = i % 5 == 4 ? 7.0f : 1e4f + 0.0173f * values[i];
  const DeviceArray<float> x(q, values), mean(q, 5), var(q, 5);
  std::vector<double> exact = doubles(values), m(5), v(5);
  reference::batch_norm_statistics<double>({exact.data(), e.n, e.h, e.w, e.c, e.pitch}, m.data(), v.data());
  const View view = view_of(x, e.n, e.h, e.w, e.c, e.pitch);
  const BatchNormStatistics op{.x = view, .mean = mean.data(), .var = var.data()};
  const TestWorkspace workspace(q, op);
  cuda::run(q.queue, op, workspace.get());
  CHECK(mismatch(mean.host(), m, 1e-7) == "");
  for (std::size_t c = 0; c < 4; ++c)
    CHECK(std::abs(static_cast<double>(var.host()[c]) - v[c]) <= 1e-5 * v[c]);
  CHECK(var.host()[4] == 0.0f);
}

TEST_CASE("batch_norm_apply: residual, ReLU, the bits of its mask, in place") {
  under_schedules([] {
    for (const Extent& e : extents) {
      CAPTURE(e.text());
      check_apply<float>(e, Activation::relu, true, 0);
      check_apply<float>(e, Activation::none, false, 1);
      check_apply<bf16>(e, Activation::relu, false, 0);
    }
  });
}

TEST_CASE("batch_norm gradients: masked or not, statistics of the batch or constant, assigned or added") {
  under_schedules([] {
    for (const Extent& e : extents) {
      CAPTURE(e.text());
      check_backward<float>(e, true, true, Into::assign);
      check_backward<float>(e, false, true, Into::add);
      check_backward<float>(e, true, false, Into::assign);
      check_backward<bf16>(e, true, true, Into::assign);
    }
  });
}

TEST_CASE("bias_backward assigns or adds") {
  under_schedules([] {
    for (const Extent& e : extents) {
      CAPTURE(e.text());
      check_bias<float>(e, Into::assign);
      check_bias<float>(e, Into::add);
      check_bias<bf16>(e, Into::add);
    }
  });
}

TEST_CASE("sums have the same bits under every schedule") {
  const Extent e{7, 33, 31, 8, 8};
  std::vector<std::vector<float>> results;
  for (const auto order : {::simt::Order::forward, ::simt::Order::reverse, ::simt::Order::random}) {
    ::simt::set_order(order, 3);
    const TestQueue q;
    const Canvas<float> dy(q, e, 1);
    const DeviceArray<float> bias(q, 8);
    const BiasBackward op{.dy = dy.view(), .dbias = bias.data(), .into = Into::assign};
    const TestWorkspace workspace(q, op);
    cuda::run(q.queue, op, workspace.get());
    results.push_back(bias.host());
  }
  ::simt::set_order(::simt::Order::forward);
  CHECK(results[0] == results[1]);
  CHECK(results[0] == results[2]);
}

TEST_CASE("a workspace that is too small is refused by name") {
  const TestQueue q;
  const Canvas<float> x(q, {1, 2, 2, 4, 4}, 1);
  const DeviceArray<float> mean(q, 4), var(q, 4);
  CHECK_THROWS_WITH_AS(
      cuda::run(q.queue, BatchNormStatistics{.x = x.view(), .mean = mean.data(), .var = var.data()}),
      "batch_norm_statistics: the workspace is too small; ask workspace_bytes", Error);
}

}  // namespace
}  // namespace thaw::simt_test
