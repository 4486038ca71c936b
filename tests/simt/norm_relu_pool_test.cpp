// BatchNorm + ReLU + max-pooling, as CUDA runs it, against the reference's loops in double.
#include "kernels/reference/norm_relu_pool.h"

#include "tests/simt/canvas.h"

namespace thaw::simt_test {
namespace {

struct Case {
  Pool2dSpec spec;
  Index n, h, w, c, gap;
};

constexpr Pool2dSpec stem{.kernel = 3, .stride = 2, .padding = 1};
const Case cases[] = {{stem, 2, 7, 9, 3, 0},
                      {stem, 1, 8, 6, 16, 8},
                      {{.kernel = 2, .stride = 2}, 3, 6, 5, 17, 4},
                      {{.kernel = 3, .stride = 2, .ceil_mode = true}, 2, 6, 7, 8, 0},
                      {{.kernel = 1, .stride = 3}, 1, 8, 8, 24, 0},  // inputs that no window holds
                      {{.kernel = 15, .stride = 15}, 1, 15, 31, 3, 1},
                      {{.kernel = 2, .stride = 2}, 1, 2, 4, 520, 0},  // several tiles of channels
                      {stem, 3, 61, 63, 8, 0}};                       // the grid strides

Extent in_extent(const Case& k) {
  return {k.n, k.h, k.w, k.c, k.c + k.gap};
}
Extent out_extent(const Case& k) {
  return {k.n, k.spec.out_size(k.h), k.spec.out_size(k.w), k.c, k.c + k.gap};
}

struct Channels {
  Channels(const TestQueue& q, Index c, std::uint64_t seed, float offset)
      : host(shifted(c, seed, offset)), reference(doubles(host)), device(q, host) {}
  static std::vector<float> shifted(Index c, std::uint64_t seed, float offset) {
    std::vector<float> values = random_values<float>(static_cast<std::size_t>(c), seed);
    for (float& v : values) v += offset;
    return values;
  }
  const float* data() const { return device.data(); }
  std::vector<float> host;
  std::vector<double> reference;
  DeviceArray<float> device;
};

// `slack` and `index_slack` make the addresses odd.
template <class T>
void check(const Case& k, Index slack, std::size_t index_slack, bool moving) {
  const TestQueue q;
  const Extent in = in_extent(k), out = out_extent(k);
  Canvas<T> x(q, in, 1, 0, slack), y(q, out, 2), dy(q, out, 3), dx(q, in, 4);
  const Channels mean(q, k.c, 5, 0), var(q, k.c, 6, 1.2f), gamma(q, k.c, 7, 0), beta(q, k.c, 8, 0);
  const BatchNormSpec norm;
  std::vector<std::uint8_t> index(static_cast<std::size_t>(out.pixels() * out.c));
  const DeviceArray<std::uint8_t> dev_index(q, index.size() + index_slack);
  std::uint8_t* winners = dev_index.data() + index_slack;
  reference::norm_relu_pool_forward<double>(norm, k.spec, x.image(),
                                            {.mean = mean.reference.data(),
                                             .var = var.reference.data(),
                                             .gamma = gamma.reference.data(),
                                             .beta = beta.reference.data()},
                                            y.image(), index.data());
  cuda::run(q.queue, NormReluPoolForward{.norm = norm,
                                         .pool = k.spec,
                                         .x = x.view(),
                                         .mean = mean.data(),
                                         .var = var.data(),
                                         .gamma = gamma.data(),
                                         .beta = beta.data(),
                                         .y = y.view(),
                                         .index = winners});
  CHECK(y.mismatch(2e-6) == "");
  const std::vector<std::uint8_t> got = dev_index.host();
  CHECK(std::equal(index.begin(), index.end(), got.begin() + static_cast<std::ptrdiff_t>(index_slack)));

  const auto c = static_cast<std::size_t>(k.c);
  std::vector<double> g(c), gx(c);
  reference::norm_relu_pool_backward_reduce<double>(
      norm, k.spec, dy.image(), index.data(), x.image(),
      {.mean = mean.reference.data(), .var = var.reference.data()}, g.data(), gx.data());
  const DeviceArray<float> dev_g(q, c), dev_gx(q, c);
  const NormReluPoolBackwardReduce op{.norm = norm,
                                      .pool = k.spec,
                                      .dy = dy.view(),
                                      .index = winners,
                                      .x = x.view(),
                                      .mean = mean.data(),
                                      .var = var.data(),
                                      .sum_g = dev_g.data(),
                                      .sum_g_xhat = dev_gx.data()};
  const TestWorkspace workspace(q, op);
  cuda::run(q.queue, op, workspace.get());
  CHECK(mismatch(dev_g.host(), g, 2e-6) == "");
  CHECK(mismatch(dev_gx.host(), gx, 2e-6) == "");

  reference::norm_relu_pool_backward_apply<double>(
      norm, k.spec, dy.image(), index.data(), x.image(),
      {.mean = mean.reference.data(), .var = var.reference.data(), .gamma = gamma.reference.data()},
      moving ? g.data() : nullptr, moving ? gx.data() : nullptr, dx.image());
  cuda::run(q.queue, NormReluPoolBackwardApply{.norm = norm,
                                               .pool = k.spec,
                                               .dy = dy.view(),
                                               .index = winners,
                                               .x = moving ? ConstView(x.view()) : ConstView(),
                                               .mean = mean.data(),
                                               .var = var.data(),
                                               .gamma = gamma.data(),
                                               .sum_g = moving ? dev_g.data() : nullptr,
                                               .sum_g_xhat = moving ? dev_gx.data() : nullptr,
                                               .dx = dx.view()});
  CHECK(dx.mismatch(4e-6) == "");
  CHECK(::simt::take_fault() == "");
}

TEST_CASE("norm_relu_pool: values, winners and gradients") {
  under_schedules([] {
    for (const Case& k : cases) {
      CAPTURE(in_extent(k).text());
      check<float>(k, 0, 0, true);
      check<float>(k, 1, 0, false);
      check<float>(k, 0, 1, true);
      check<bf16>(k, 0, 0, true);
    }
  });
}

TEST_CASE("norm_relu_pool: no pictures, no work") {
  const TestQueue q;
  const Canvas<float> x(q, {1, 16, 16, 4, 4}, 1), y(q, {1, 8, 8, 4, 4}, 1);
  const DeviceArray<float> c(q, 4);
  View in = x.view(), out = y.view();
  in.n = out.n = 0;
  cuda::run(q.queue, NormReluPoolForward{.norm = {},
                                         .pool = stem,
                                         .x = in,
                                         .mean = c.data(),
                                         .var = c.data(),
                                         .gamma = c.data(),
                                         .beta = c.data(),
                                         .y = out});
  CHECK(::simt::take_fault() == "");
}

}  // namespace
}  // namespace thaw::simt_test
