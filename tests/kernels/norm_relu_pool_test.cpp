#include "kernels/reference/norm_relu_pool.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/support/compare.h"

namespace thaw::test {
namespace {

struct Case {
  std::string what;
  Pool2dSpec spec;
  Index n, h, w, c, gap;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"the stem", {.kernel = 3, .stride = 2, .padding = 1}, 2, 8, 8, 64, 0},
      {"odd sizes, a slice", {.kernel = 3, .stride = 2, .padding = 1}, 2, 9, 7, 17, 3},
      {"2x2", {}, 2, 7, 6, 12, 0},
      {"ceil, padding", {.kernel = 3, .stride = 2, .padding = 1, .ceil_mode = true}, 1, 6, 7, 40, 8},
      {"stride above kernel", {.kernel = 2, .stride = 3}, 1, 8, 9, 5, 1},
      {"inputs that no window holds", {.kernel = 1, .stride = 3}, 1, 8, 8, 24, 0},
      {"15x15", {.kernel = 15, .stride = 1}, 1, 16, 15, 3, 0},
      {"15x15 apart", {.kernel = 15, .stride = 15}, 1, 15, 31, 3, 1},
      {"several tiles of channels", {}, 1, 2, 4, 520, 0},
      {"more than one pass of the grid", {.kernel = 3, .stride = 2, .padding = 1}, 3, 61, 63, 8, 0},
  };
  return all;
}

Values output(const Case& k) {
  return Values(k.n, k.spec.out_size(k.h), k.spec.out_size(k.w), k.c);
}

// Statistics and affine parameters, exact in f32; gamma of both signs: the greatest x is not always the
// greatest value.
struct Parameters {
  Parameters(Backend& backend, Index c)
      : mean(random_values(c, 11, DType::f32)),
        var(random_values(c, 12, DType::f32, 0.1, 2.0)),
        gamma(random_values(c, 13, DType::f32, -1.5, 1.5)),
        beta(random_values(c, 14, DType::f32)),
        d_mean(backend, floats(mean)),
        d_var(backend, floats(var)),
        d_gamma(backend, floats(gamma)),
        d_beta(backend, floats(beta)) {}

  // What a value is made of at |x| <= 1.
  double size(std::size_t c) const {
    return (1.0 + std::abs(mean[c])) / std::sqrt(var[c]) * std::abs(gamma[c]) + std::abs(beta[c]);
  }

  Doubles mean, var, gamma, beta;
  Array<float> d_mean, d_var, d_gamma, d_beta;
};

void reference_forward(const Case& k, const Parameters& p, const Values& x, Values& y,
                       std::vector<std::uint8_t>& index) {
  index.resize(y.v.size());
  reference::norm_relu_pool_forward<double>(
      {}, k.spec, x.image(),
      {.mean = p.mean.data(), .var = p.var.data(), .gamma = p.gamma.data(), .beta = p.beta.data()}, y.image(),
      index.data());
}

}  // namespace

TEST_SUITE("kernels") {
  TEST_CASE("norm_relu_pool: values and winners") {
    for (const Device& device : devices()) {
      Index none = 0, some = 0;  // windows without and with a winner
      for (const Case& k : cases()) {
        INFO(device.text(), ", ", k.what);
        const Values x = random_image(k.n, k.h, k.w, k.c, 1, device.type);
        const Parameters p(device.backend, k.c);
        Values y = output(k);
        std::vector<std::uint8_t> index;
        reference_forward(k, p, x, y, index);
        const Activations in(device, x, k.gap), out(device, y.n, y.h, y.w, y.c, k.gap);
        const Activations without(device, y.n, y.h, y.w, y.c, k.gap);
        const Array<std::uint8_t> winners(device.backend, std::vector<std::uint8_t>(index.size(), 77));
        const auto forward = [&](View to, std::uint8_t* won) {
          device.backend(NormReluPoolForward{.norm = {},
                                             .pool = k.spec,
                                             .x = in.view(),
                                             .mean = p.d_mean.data(),
                                             .var = p.d_var.data(),
                                             .gamma = p.d_gamma.data(),
                                             .beta = p.d_beta.data(),
                                             .y = to,
                                             .index = won});
        };
        forward(out.view(), winners.data());
        forward(without.view(), nullptr);
        Doubles size(y.v.size());
        for (std::size_t i = 0; i < size.size(); ++i) size[i] = p.size(i % p.mean.size());
        constexpr double operations = 8;  // roundings of an f32 evaluation
        CHECK(mismatch(out.host().v, y.v, sum_bounds(y.v, size, operations, device.type)) == "");
        CHECK(mismatch(without.host().v, out.host().v) == "");
        CHECK(out.outside_untouched());

        // Where the maximum is nearly 0, rounding decides whether there is a winner.
        const Doubles near_zero = sum_bounds(Doubles(size.size(), 0.0), size, operations, DType::f32);
        const std::vector<std::uint8_t> won = winners.host();
        Index wrong = 0;
        for (std::size_t i = 0; i < won.size(); ++i) {
          (won[i] == no_winner ? none : some) += 1;
          wrong += won[i] != index[i] && (y.v[i] == 0.0 || y.v[i] > near_zero[i]);
        }
        CHECK(wrong == 0);
      }
      CHECK(none > 100);
      CHECK(some > 100);
    }
  }

  TEST_CASE("norm_relu_pool: gradients, statistics of the batch or constant") {
    for (const Device& device : devices()) {
      for (const Case& k : cases()) {
        INFO(device.text(), ", ", k.what);
        const Values x = random_image(k.n, k.h, k.w, k.c, 1, device.type);
        const Parameters p(device.backend, k.c);
        Values y = output(k);
        std::vector<std::uint8_t> index;
        reference_forward(k, p, x, y, index);
        const Values dy = random_image(y.n, y.h, y.w, y.c, 2, device.type), dy_size = absolute(dy);
        const auto channels = static_cast<std::size_t>(k.c);
        Doubles g(channels), gx(channels), g_size(channels), gx_size(channels);
        reference::norm_relu_pool_backward_reduce<double>({}, k.spec, dy.image(), index.data(), x.image(),
                                                          {.mean = p.mean.data(), .var = p.var.data()},
                                                          g.data(), gx.data());
        Values won = x;  // the sum of |dy| that each x gets
        reference::max_pool2d_backward<double>(k.spec, dy_size.image(), index.data(), won.image());
        for (std::size_t i = 0; i < won.v.size(); ++i) {
          const std::size_t c = i % channels;
          g_size[c] += won.v[i];
          gx_size[c] += won.v[i] * (std::abs(x.v[i]) + std::abs(p.mean[c])) / std::sqrt(p.var[c]);
        }
        const Activations in(device, x, k.gap), gradient(device, dy, k.gap);
        const Array<std::uint8_t> winners(device.backend, index);
        const Array<float> sum_g(device.backend, std::vector<float>(channels, 8.0f));
        const Array<float> sum_gx(device.backend, std::vector<float>(channels, 8.0f));
        device.backend(NormReluPoolBackwardReduce{.norm = {},
                                                  .pool = k.spec,
                                                  .dy = gradient.view(),
                                                  .index = winners.data(),
                                                  .x = in.view(),
                                                  .mean = p.d_mean.data(),
                                                  .var = p.d_var.data(),
                                                  .sum_g = sum_g.data(),
                                                  .sum_g_xhat = sum_gx.data()});
        const double terms = static_cast<double>(x.pixels()) + 8.0;
        CHECK(mismatch(doubles(sum_g.host()), g, sum_bounds(g, g_size, terms, DType::f32)) == "");
        CHECK(mismatch(doubles(sum_gx.host()), gx, sum_bounds(gx, gx_size, terms, DType::f32)) == "");

        for (const bool moving : {true, false}) {
          INFO("batch statistics ", moving);
          const Doubles sums = random_values(k.c, 16, DType::f32, -9.0, 9.0),
                        sums_x = random_values(k.c, 17, DType::f32, -9.0, 9.0);
          const Array<float> d_sums(device.backend, floats(sums)), d_sums_x(device.backend, floats(sums_x));
          Values expected = x;
          reference::norm_relu_pool_backward_apply<double>(
              {}, k.spec, dy.image(), index.data(), x.image(),
              {.mean = p.mean.data(), .var = p.var.data(), .gamma = p.gamma.data()},
              moving ? sums.data() : nullptr, moving ? sums_x.data() : nullptr, expected.image());
          Doubles size(x.v.size());
          for (std::size_t i = 0; i < size.size(); ++i) {
            const std::size_t c = i % channels;
            const double inverse = 1.0 / std::sqrt(p.var[c]);
            const double xhat = (std::abs(x.v[i]) + std::abs(p.mean[c])) * inverse;
            const double shares =
                (std::abs(sums[c]) + xhat * std::abs(sums_x[c])) / static_cast<double>(x.pixels());
            size[i] = std::abs(p.gamma[c]) * inverse * (won.v[i] + (moving ? shares : 0.0));
          }
          const Activations dx(device, k.n, k.h, k.w, k.c, k.gap);
          device.backend(NormReluPoolBackwardApply{.norm = {},
                                                   .pool = k.spec,
                                                   .dy = gradient.view(),
                                                   .index = winners.data(),
                                                   .x = moving ? ConstView(in.view()) : ConstView(),
                                                   .mean = p.d_mean.data(),
                                                   .var = p.d_var.data(),
                                                   .gamma = p.d_gamma.data(),
                                                   .sum_g = moving ? d_sums.data() : nullptr,
                                                   .sum_g_xhat = moving ? d_sums_x.data() : nullptr,
                                                   .dx = dx.view()});
          // At most 225 windows hold an input; 16 roundings more.
          const auto windows = static_cast<double>(k.spec.kernel * k.spec.kernel);
          CHECK(mismatch(dx.host().v, expected.v, sum_bounds(expected.v, size, windows + 16, device.type)) ==
                "");
          CHECK(dx.outside_untouched());
        }
      }
    }
  }

  TEST_CASE("norm_relu_pool: the first of equals wins, the last NaN, and nobody where ReLU cuts") {
    const Pool2dSpec spec{.kernel = 3, .stride = 2, .padding = 1};
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    for (const Device& device : devices()) {
      INFO(device.text());
      constexpr Index c = 17;
      Values x(1, 4, 4, c);
      for (double& v : x.v) v = 1.0;  // after BatchNorm 0.5
      for (Index y = 0; y < 4; ++y) {
        for (Index column = 0; column < 4; ++column) {
          x.at(0, y, column, 3) = 0.5;   // 0
          x.at(0, y, column, 4) = -8.0;  // below 0
        }
      }
      x.at(0, 0, 0, 5) = x.at(0, 1, 1, 5) = nan;
      x.at(0, 0, 1, 5) = std::numeric_limits<double>::infinity();
      const auto all = [&](float value) {
        return Array<float>(device.backend, std::vector<float>(static_cast<std::size_t>(c), value));
      };
      const Array<float> mean = all(0.5f), var = all(1.0f), gamma = all(1.0f), beta = all(0.0f);
      const Activations in(device, x), out(device, 1, 2, 2, c), dx(device, 1, 4, 4, c);
      const Array<std::uint8_t> winners(device.backend, std::vector<std::uint8_t>(4 * c, 77));
      device.backend(NormReluPoolForward{.norm = {.eps = 0.0f},
                                         .pool = spec,
                                         .x = in.view(),
                                         .mean = mean.data(),
                                         .var = var.data(),
                                         .gamma = gamma.data(),
                                         .beta = beta.data(),
                                         .y = out.view(),
                                         .index = winners.data()});
      const std::vector<std::uint8_t> index = winners.host();
      const Values y = out.host();
      CHECK(int{index[0]} == 4);      // the corner window's first input is its centre
      CHECK(int{index[c]} == 3);      // top right: one row of padding above
      CHECK(int{index[2 * c]} == 1);  // bottom left: one column of padding
      CHECK(int{index[3 * c]} == 0);
      for (std::size_t p = 0; p < 4; ++p) {
        CHECK(y.v[p * c] == 0.5);
        for (const std::size_t cut : {3, 4}) {
          CHECK(y.v[p * c + cut] == 0.0);
          CHECK(int{index[p * c + cut]} == int{no_winner});
        }
        CHECK(std::isnan(y.v[p * c + 5]));
      }
      CHECK(int{index[5]} == 8);
      CHECK(int{index[3 * c + 5]} == 0);

      // As PyTorch: ReLU passes the gradient of NaN, and none of 0.
      Values dy(1, 2, 2, c);
      for (double& v : dy.v) v = 1.0;
      const Activations gradient(device, dy);
      device.backend(NormReluPoolBackwardApply{.norm = {.eps = 0.0f},
                                               .pool = spec,
                                               .dy = gradient.view(),
                                               .index = winners.data(),
                                               .x = {},
                                               .mean = mean.data(),
                                               .var = var.data(),
                                               .gamma = gamma.data(),
                                               .sum_g = nullptr,
                                               .sum_g_xhat = nullptr,
                                               .dx = dx.view()});
      Values got = dx.host();
      double sums[6] = {};
      for (Index i = 0; i < 16; ++i) {
        for (Index k = 0; k < 6; ++k) sums[k] += got.at(0, i / 4, i % 4, k);
      }
      CHECK(sums[0] == 4.0);
      CHECK(sums[3] == 0.0);
      CHECK(sums[4] == 0.0);
      CHECK(got.at(0, 1, 1, 5) == 4.0);  // the one NaN that all four windows hold
      CHECK(sums[5] == 4.0);
    }
  }
}

}  // namespace thaw::test
