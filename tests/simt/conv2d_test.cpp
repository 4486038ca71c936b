// Convolutions through the cuDNN graphs, run by the fake, against plain loops in double.
#include "kernels/cuda/conv2d.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "tests/simt/cudnn_fake.h"
#include "tests/simt/engines.h"
#include "tests/simt/support.h"

namespace thaw::simt_test {
namespace {

struct Case {
  std::int64_t n, size, in, out, kernel, stride, padding, groups, pitch_extra;
};

const Case cases[] = {{2, 7, 4, 8, 3, 1, 1, 1, 0},    {1, 9, 8, 16, 3, 2, 1, 1, 0},
                      {2, 6, 8, 4, 1, 1, 0, 1, 8},    {2, 5, 8, 8, 1, 2, 0, 1, 0},
                      {1, 8, 8, 12, 3, 1, 1, 4, 0},   {1, 11, 3, 5, 7, 2, 3, 1, 2},
                      {2, 6, 16, 16, 3, 1, 1, 1, 16}, {1, 7, 12, 12, 3, 1, 1, 12, 4}};

Conv2dSpec spec_of(const Case& c) {
  Conv2dSpec spec{.in = c.in, .out = c.out, .kernel_h = c.kernel, .kernel_w = c.kernel, .stride = c.stride};
  spec.padding = c.padding;
  spec.groups = c.groups;
  return spec;
}

// The forward convolution, or the gradients that follow from dy = `out`: y, dx and dw in double.
struct Loops {
  std::vector<double> y, dx, dw;
};

template <class T>
Loops plain_loops(const Case& c, const std::vector<T>& x, const std::vector<T>& w, const std::vector<T>& dy) {
  const Conv2dSpec spec = spec_of(c);
  const std::int64_t o = spec.out_h(c.size), in = c.in / c.groups, px = c.in + c.pitch_extra,
                     py = c.out + c.pitch_extra;
  Loops r{std::vector<double>(dy.size()), std::vector<double>(x.size()), std::vector<double>(w.size())};
  for (std::int64_t n = 0; n < c.n; ++n)
    for (std::int64_t p = 0; p < o; ++p)
      for (std::int64_t q = 0; q < o; ++q)
        for (std::int64_t k = 0; k < c.out; ++k)
          for (std::int64_t i = 0; i < c.kernel * c.kernel * in; ++i) {
            const std::int64_t ky = i / (c.kernel * in), kx = i / in % c.kernel, ch = i % in;
            const std::int64_t h = p * c.stride - c.padding + ky, v = q * c.stride - c.padding + kx;
            if (h < 0 || v < 0 || h >= c.size || v >= c.size) continue;
            const std::int64_t from = k / (c.out / c.groups) * in + ch;
            const auto yi = static_cast<std::size_t>(((n * o + p) * o + q) * py + k);
            const auto xi = static_cast<std::size_t>(((n * c.size + h) * c.size + v) * px + from);
            const auto wi = static_cast<std::size_t>(k * c.kernel * c.kernel * in + i);
            r.y[yi] += double(float(x[xi])) * float(w[wi]);
            r.dx[xi] += double(float(dy[yi])) * float(w[wi]);
            r.dw[wi] += double(float(dy[yi])) * float(x[xi]);
          }
  return r;
}

// The largest difference over the largest expected value, inside the view.
template <class T>
double distance(const std::vector<T>& got, const std::vector<double>& want, std::int64_t c,
                std::int64_t pitch) {
  double worst = 0, largest = 1e-30;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (static_cast<std::int64_t>(i) % pitch >= c) continue;
    const double difference = std::abs(double(float(got[i])) - want[i]);
    worst = std::max(worst, std::isnan(difference) ? 1e30 : difference);
    largest = std::max(largest, std::abs(want[i]));
  }
  return worst / largest;
}

// Half a unit in the last place of the stored type, and the rounding of a float sum of up to 200 products.
template <class T>
constexpr double tolerance() {
  return sizeof(T) == 4 ? 2e-6 : 4e-3;
}

template <class T>
void check_case(const Case& c, const BackendOptions& options = {}, std::size_t plans = 6) {
  CAPTURE(c.in);
  CAPTURE(c.kernel);
  const TestQueue q;
  const Conv2dSpec spec = spec_of(c);
  const std::int64_t o = spec.out_h(c.size), px = c.in + c.pitch_extra, py = c.out + c.pitch_extra;
  const auto x = random_values<T>(static_cast<std::size_t>(c.n * c.size * c.size * px), 1);
  const auto w = random_values<T>(static_cast<std::size_t>(spec.weight_elements()), 2);
  const auto dy = random_values<T>(static_cast<std::size_t>(c.n * o * o * py), 3);
  const auto residual = random_values<T>(dy.size(), 4);
  const auto bias = random_values<float>(static_cast<std::size_t>(c.out), 5),
             before = random_values<float>(w.size(), 6);
  Loops want = plain_loops(c, x, w, dy);

  const DeviceArray<T> dev_x(q, x), dev_w(q, w), dev_dy(q, dy), dev_r(q, residual), dev_y(q, dy.size()),
      dev_dx(q, x.size());
  const DeviceArray<float> dev_b(q, bias), dev_dw(q, w.size()), dev_sum(q, before);
  const View vx = view_of(dev_x, c.n, c.size, c.size, c.in, px), vy = view_of(dev_y, c.n, o, o, c.out, py);
  const View vdy = view_of(dev_dy, c.n, o, o, c.out, py),
             vdx = view_of(dev_dx, c.n, c.size, c.size, c.in, px);
  const View vr = view_of(dev_r, c.n, o, o, c.out, py);
  const Weights weights{dev_w.data(), dtype_of<T>()};
  cuda::Pool pool(q.queue, cuda::pool_policy());
  cuda::Convolutions convolutions(q.queue, pool, options);

  convolutions.run(Conv2dForward{.spec = spec, .x = vx, .weight = weights, .y = vy});
  CHECK(distance(dev_y.host(), want.y, c.out, py) < tolerance<T>());
  convolutions.run(Conv2dBackwardData{.spec = spec, .dy = vdy, .weight = weights, .dx = vdx});
  CHECK(distance(dev_dx.host(), want.dx, c.in, px) < tolerance<T>());
  // Once, though the engines are timed on it. In bf16 the sum is rounded a second time.
  convolutions.run(
      Conv2dBackwardData{.spec = spec, .dy = vdy, .weight = weights, .dx = vdx, .into = Into::add});
  std::vector<double> twice = want.dx;
  for (double& v : twice) v *= 2.0;
  CHECK(distance(dev_dx.host(), twice, c.in, px) < 2 * tolerance<T>());
  convolutions.run(
      Conv2dBackwardWeight{.spec = spec, .x = vx, .dy = vdy, .dweight = dev_dw.data(), .into = Into::assign});
  CHECK(distance(dev_dw.host(), want.dw, 1, 1) < tolerance<T>());
  convolutions.run(
      Conv2dBackwardWeight{.spec = spec, .x = vx, .dy = vdy, .dweight = dev_sum.data(), .into = Into::add});
  for (std::size_t i = 0; i < want.dw.size(); ++i) want.dw[i] += before[i];
  CHECK(distance(dev_sum.host(), want.dw, 1, 1) < tolerance<T>());

  for (const bool with_residual : {false, true}) {
    std::vector<double> folded = want.y;
    for (std::size_t i = 0; i < folded.size(); ++i) {
      const auto channel = static_cast<std::int64_t>(i) % py;
      if (channel >= c.out) continue;
      folded[i] +=
          bias[static_cast<std::size_t>(channel)] + (with_residual ? double(float(residual[i])) : 0.0);
      folded[i] = std::max(folded[i], 0.0);
    }
    convolutions.run(Conv2dForward{.spec = spec,
                                   .x = vx,
                                   .weight = weights,
                                   .bias = dev_b.data(),
                                   .residual = with_residual ? ConstView(vr) : ConstView(),
                                   .activation = Activation::relu,
                                   .y = vy});
    CHECK(distance(dev_y.host(), folded, c.out, py) < tolerance<T>());
  }
  CHECK(::simt::take_fault() == "");
  CHECK(convolutions.plans() == plans);  // the two weight gradients share one
}

TEST_CASE("convolution, its gradients and its folded forms equal plain loops") {
  for (const Case& c : cases) {
    check_case<float>(c);
    check_case<bf16>(c);
  }
}

TEST_CASE("where cuDNN has no engine for what follows a convolution, it follows in passes of its own") {
  const Offer offer({{.number = 1, .bias_at_most = true}});
  for (const Case& c : cases) check_case<float>(c, {}, 5);  // both folded forms are the one with a bias
}

TEST_CASE("every engine that cuDNN proposes gives the convolution of the plain loops") {
  const auto run = [&](auto type, const Case& c, std::size_t engine) {
    try {
      check_case<decltype(type)>(c, {.cudnn_engine = engine});
    } catch (const NoSuchEngine& error) {
      return !error.beyond;
    }
    return true;
  };
  ::simt::cudnn::take_executed();
  for (const Case& c : {cases[0], cases[5]}) {
    for (std::size_t engine = 0; run(0.0f, c, engine); ++engine) {
    }
    for (std::size_t engine = 0; run(bf16(), c, engine); ++engine) {
    }
  }
  // All that usual_engines() names but the one that is not deterministic and the one that does not compile.
  const auto executed = ::simt::cudnn::take_executed();
  std::string ran;
  for (const std::int64_t engine : std::set<std::int64_t>(executed.begin(), executed.end()))
    ran += std::to_string(engine) + " ";
  CHECK(ran == "1 3 4 6 ");
}

// Both give [1,2,2,4] from [1,7,7,4].
TEST_CASE("convolutions that differ in their dilation alone have plans of their own") {
  const TestQueue q;
  const auto x = random_values<float>(7 * 7 * 4, 1), w = random_values<float>(4 * 9 * 4, 2);
  const DeviceArray<float> dev_x(q, x), dev_w(q, w), dev_y(q, 16);
  cuda::Pool pool(q.queue, cuda::pool_policy());
  cuda::Convolutions convolutions(q.queue, pool);
  for (const std::int64_t dilation : {1, 2, 1}) {
    CAPTURE(dilation);
    Conv2dSpec spec{.in = 4, .out = 4, .kernel_h = 3, .kernel_w = 3, .stride = 4, .padding = 1};
    spec.dilation = dilation;
    REQUIRE(spec.out_h(7) == 2);
    std::vector<double> want(16);
    for (std::int64_t i = 0; i < 16 * 36; ++i) {  // over outputs, and taps of each
      const std::int64_t at = i / 36, tap = i % 36 / 4;
      const std::int64_t h = at / 8 * 4 - 1 + tap / 3 * dilation, v = at / 4 % 2 * 4 - 1 + tap % 3 * dilation;
      if (h < 0 || v < 0 || h >= 7 || v >= 7) continue;
      want[static_cast<std::size_t>(at)] += double(x[static_cast<std::size_t>((h * 7 + v) * 4 + i % 4)]) *
                                            w[static_cast<std::size_t>(at % 4 * 36 + tap * 4 + i % 4)];
    }
    convolutions.run(Conv2dForward{.spec = spec,
                                   .x = view_of(dev_x, 1, 7, 7, 4, 4),
                                   .weight = {dev_w.data(), DType::f32},
                                   .y = view_of(dev_y, 1, 2, 2, 4, 4)});
    CHECK(distance(dev_y.host(), want, 4, 4) < tolerance<float>());
  }
  CHECK(convolutions.plans() == 2);
}

TEST_CASE("a tensor that ends outside its allocation is refused by the fake") {
  const TestQueue q;
  const Case c = cases[0];
  const Conv2dSpec spec = spec_of(c);
  const DeviceArray<float> x(q, 2 * 7 * 7 * 4), w(q, 8 * 9 * 4), y(q, 2 * 7 * 7 * 8 - 1);
  cuda::Pool pool(q.queue, cuda::pool_policy());
  cuda::Convolutions convolutions(q.queue, pool);
  CHECK_THROWS_AS(convolutions.run(Conv2dForward{.spec = spec,
                                                 .x = view_of(x, 2, 7, 7, 4, 4),
                                                 .weight = {w.data(), DType::f32},
                                                 .y = view_of(y, 2, 7, 7, 8, 8)}),
                  Error);
  CHECK(::simt::take_fault().find("tensor 3") != std::string::npos);
}

TEST_CASE("no memory for the workspace is an error that says how much was asked") {
  const TestQueue q;
  const Conv2dSpec spec = spec_of(cases[0]);
  const DeviceArray<float> x(q, 2 * 7 * 7 * 4), w(q, 8 * 9 * 4), y(q, 2 * 7 * 7 * 8);
  cuda::Pool pool(q.queue, cuda::pool_policy());
  cuda::Convolutions convolutions(q.queue, pool, {.cudnn_benchmark = false});
  const auto run = [&] {
    convolutions.run(Conv2dForward{.spec = spec,
                                   .x = view_of(x, 2, 7, 7, 4, 4),
                                   .weight = {w.data(), DType::f32},
                                   .y = view_of(y, 2, 7, 7, 8, 8)});
  };
  pool.deallocate(pool.allocate(64));
  // The pool gives back what it keeps and tries again, so two allocations must fail.
  ::simt::fail_allocation_after(0, 2);
  std::string message;
  try {
    run();
  } catch (const Error& error) {
    message = error.what();
  }
  CHECK(message.rfind("cuda: out of memory: asked for 1001 bytes with 0 in use and 0 kept for reuse", 0) ==
        0);
  CHECK_NOTHROW(run());
}

}  // namespace
}  // namespace thaw::simt_test
