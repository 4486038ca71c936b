#include "kernels/reference/batch_norm.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/support/compare.h"

namespace thaw::test {
namespace {

// Statistics and affine parameters of one layer, exact in f32.
struct Parameters {
  explicit Parameters(Index c)
      : mean(random_values(c, 11, DType::f32)),
        var(random_values(c, 12, DType::f32, 0.1, 2.0)),
        gamma(random_values(c, 13, DType::f32, 0.5, 1.5)),
        beta(random_values(c, 14, DType::f32)) {}
  Doubles mean, var, gamma, beta;
};

struct OnDevice {
  OnDevice(Backend& backend, const Parameters& p)
      : mean(backend, floats(p.mean)),
        var(backend, floats(p.var)),
        gamma(backend, floats(p.gamma)),
        beta(backend, floats(p.beta)) {}
  Array<float> mean, var, gamma, beta;
};

std::vector<std::uint8_t> random_mask(Index pixels, Index c) {
  const Doubles coins = random_values(pixels * c, 15, DType::f32);
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(relu_mask_bytes(pixels, c)));
  for (Index i = 0; i < pixels * c; ++i) {
    const auto byte = static_cast<std::size_t>(i / c * ((c + 7) / 8) + i % c / 8);
    if (coins[static_cast<std::size_t>(i)] > 0.0) mask[byte] |= static_cast<std::uint8_t>(1 << i % c % 8);
  }
  return mask;
}

}  // namespace

TEST_SUITE("kernels") {
  TEST_CASE("batch_norm_statistics") {
    for (const Device& device : devices()) {
      for (const Extent& k : extents_of_sums()) {
        INFO(device.text(), ", ", k.text());
        const Values x = random_image(k, 1, device.type);
        const auto channels = static_cast<std::size_t>(k.c);
        Doubles mean(channels), var(channels);
        reference::batch_norm_statistics<double>(x.image(), mean.data(), var.data());
        const Activations on_device(device, x, k.gap);
        const Array<float> m(device.backend, std::vector<float>(channels, 8.0f));
        const Array<float> v(device.backend, std::vector<float>(channels, 8.0f));
        device.backend(BatchNormStatistics{.x = on_device.view(), .mean = m.data(), .var = v.data()});
        const auto pixels = static_cast<double>(x.pixels());
        const Doubles ones(channels, 1.0);  // values and their squares are at most 1
        CHECK(mismatch(doubles(m.host()), mean, sum_bounds(mean, ones, pixels, DType::f32)) == "");
        CHECK(mismatch(doubles(v.host()), var, sum_bounds(var, ones, pixels, DType::f32)) == "");
      }
    }
  }

  TEST_CASE("batch_norm_statistics: mean 1e4 beside sigma 1e-2; a constant channel") {
    for (const auto& backend : backends()) {
      INFO(backend->name());
      const Device device{*backend, DType::f32};
      Values x(4, 16, 16, 5);
      // An f32 near 1e4 is a multiple of 2^-10: sigma is about ten steps of it.
      const Doubles noise = random_values(x.pixels() * x.c, 1, DType::f32, -0.0173, 0.0173);
      for (std::size_t i = 0; i < noise.size(); ++i)
        x.v[i] = i % 5 == 4 ? 7.0 : rounded(1e4 + noise[i], DType::f32);
      Doubles mean(5), var(5);
      reference::batch_norm_statistics<double>(x.image(), mean.data(), var.data());
      const Activations on_device(device, x);
      const Array<float> m(*backend, std::vector<float>(5)), v(*backend, std::vector<float>(5));
      (*backend)(BatchNormStatistics{.x = on_device.view(), .mean = m.data(), .var = v.data()});
      for (std::size_t c = 0; c < 4; ++c) {
        CHECK(var[c] == doctest::Approx(1e-4).epsilon(0.1));
        CHECK(std::abs(static_cast<double>(m.host()[c]) - mean[c]) <= 1e4 * 0x1p-23);
        // E[x^2] - E[x]^2 would be wrong by 1e8 * 2^-24 = 6, a deviation from a rounded mean by 0.2 %.
        CHECK(std::abs(static_cast<double>(v.host()[c]) - var[c]) <= 1e-5 * var[c]);
      }
      CHECK(m.host()[4] == 7.0f);
      CHECK(v.host()[4] == 0.0f);
    }
  }

  TEST_CASE("batch_norm_apply: ReLU, its mask and the residual") {
    for (const Device& device : devices()) {
      for (const Extent& k : extents) {
        for (const int with : {0, 1, 2, 3, 7, 6}) {  // bits: residual, ReLU, mask
          INFO(device.text(), ", ", k.text(), ", with ", with);
          const bool residual = (with & 1) != 0, masked = (with & 4) != 0;
          const BatchNormSpec spec{.activation = (with & 2) != 0 ? Activation::relu : Activation::none};
          const Parameters p(k.c);
          const Values x = random_image(k, 1, device.type);
          const Values r = random_image(k, 2, device.type);
          Values before = x, expected = x;  // before ReLU and after
          const reference::Image<const double> add = residual ? r.image() : reference::Image<const double>{};
          reference::batch_norm_apply<double>(
              {}, x.image(),
              {.mean = p.mean.data(), .var = p.var.data(), .gamma = p.gamma.data(), .beta = p.beta.data()},
              add, before.image(), nullptr);
          reference::batch_norm_apply<double>(
              spec, x.image(),
              {.mean = p.mean.data(), .var = p.var.data(), .gamma = p.gamma.data(), .beta = p.beta.data()},
              add, expected.image(), nullptr);
          Doubles size(x.v.size());
          for (std::size_t i = 0; i < size.size(); ++i) {
            const std::size_t c = i % static_cast<std::size_t>(k.c);
            size[i] = (std::abs(x.v[i]) + std::abs(p.mean[c])) / std::sqrt(p.var[c]) * p.gamma[c] +
                      std::abs(p.beta[c]) + (residual ? std::abs(r.v[i]) : 0.0);
          }
          const OnDevice d(device.backend, p);
          const Activations dx(device, x, k.gap), dr(device, r, k.gap), y(device, k);
          const auto mask_bytes = static_cast<std::size_t>(relu_mask_bytes(x.pixels(), k.c));
          const Array<std::uint8_t> mask(device.backend, std::vector<std::uint8_t>(mask_bytes, 0xff));
          device.backend(BatchNormApply{.spec = spec,
                                        .x = dx.view(),
                                        .mean = d.mean.data(),
                                        .var = d.var.data(),
                                        .gamma = d.gamma.data(),
                                        .beta = d.beta.data(),
                                        .residual = residual ? ConstView(dr.view()) : ConstView(),
                                        .y = y.view(),
                                        .relu_mask = masked ? mask.data() : nullptr});
          constexpr double operations = 9;  // roundings of an f32 evaluation
          const Doubles bounds = sum_bounds(expected.v, size, operations, device.type);
          CHECK(mismatch(y.host().v, expected.v, bounds) == "");
          CHECK(y.outside_untouched());
          if (!masked) continue;
          const std::vector<std::uint8_t> bits = mask.host();
          const Doubles near_zero = sum_bounds(Doubles(size.size(), 0.0), size, operations, DType::f32);
          Index wrong = 0;
          for (Index i = 0; i < x.pixels() * k.c; ++i) {
            const auto at = static_cast<std::size_t>(i);
            if (std::abs(before.v[at]) <= near_zero[at]) continue;
            wrong += reference::mask_bit(bits.data(), k.c, i / k.c, i % k.c) != (before.v[at] > 0.0);
          }
          CHECK(wrong == 0);
        }
      }
    }
  }

  TEST_CASE("batch_norm_apply in place") {
    for (const Device& device : devices()) {
      INFO(device.text());
      const Parameters p(17);
      const OnDevice d(device.backend, p);
      const Values x = random_image(2, 5, 5, 17, 1, device.type),
                   r = random_image(2, 5, 5, 17, 2, device.type);
      const BatchNormSpec spec{.activation = Activation::relu};
      const Activations apart(device, 2, 5, 5, 17), over_x(device, x), over_r(device, r);
      const Activations dx(device, x), dr(device, r);
      const auto apply = [&](ConstView from, ConstView add, View to) {
        device.backend(BatchNormApply{.spec = spec,
                                      .x = from,
                                      .mean = d.mean.data(),
                                      .var = d.var.data(),
                                      .gamma = d.gamma.data(),
                                      .beta = d.beta.data(),
                                      .residual = add,
                                      .y = to});
      };
      apply(dx.view(), dr.view(), apart.view());
      apply(over_x.view(), dr.view(), over_x.view());
      apply(dx.view(), over_r.view(), over_r.view());
      CHECK(mismatch(over_x.host().v, apart.host().v) == "");
      CHECK(mismatch(over_r.host().v, apart.host().v) == "");
    }
  }

  TEST_CASE("batch_norm_backward_reduce") {
    for (const Device& device : devices()) {
      for (const Extent& k : extents_of_sums()) {
        for (const bool masked : {false, true}) {
          INFO(device.text(), ", ", k.text(), ", masked ", masked);
          const Parameters p(k.c);
          const Values x = random_image(k, 1, device.type);
          const Values dy = random_image(k, 2, device.type);
          const std::vector<std::uint8_t> mask = random_mask(x.pixels(), k.c);
          const auto channels = static_cast<std::size_t>(k.c);
          Doubles g(channels), gx(channels), g_size(channels), gx_size(channels);
          reference::batch_norm_backward_reduce<double>({}, dy.image(), x.image(),
                                                        {.mean = p.mean.data(), .var = p.var.data()},
                                                        masked ? mask.data() : nullptr, g.data(), gx.data());
          for (std::size_t i = 0; i < dy.v.size(); ++i) {
            const std::size_t c = i % channels;
            g_size[c] += std::abs(dy.v[i]);
            gx_size[c] += std::abs(dy.v[i]) * (std::abs(x.v[i]) + std::abs(p.mean[c])) / std::sqrt(p.var[c]);
          }
          const OnDevice d(device.backend, p);
          const Activations on_device(device, x, k.gap), gradient(device, dy, k.gap);
          const Array<std::uint8_t> bits(device.backend, mask);
          const Array<float> sum_g(device.backend, std::vector<float>(channels, 8.0f));
          const Array<float> sum_gx(device.backend, std::vector<float>(channels, 8.0f));
          device.backend(BatchNormBackwardReduce{.spec = {},
                                                 .dy = gradient.view(),
                                                 .x = on_device.view(),
                                                 .mean = d.mean.data(),
                                                 .var = d.var.data(),
                                                 .relu_mask = masked ? bits.data() : nullptr,
                                                 .sum_g = sum_g.data(),
                                                 .sum_g_xhat = sum_gx.data()});
          const double terms = static_cast<double>(x.pixels()) + 8.0;
          CHECK(mismatch(doubles(sum_g.host()), g, sum_bounds(g, g_size, terms, DType::f32)) == "");
          CHECK(mismatch(doubles(sum_gx.host()), gx, sum_bounds(gx, gx_size, terms, DType::f32)) == "");
        }
      }
    }
  }

  TEST_CASE("batch_norm_backward_apply: batch and constant statistics, assign and add, residual") {
    for (const Device& device : devices()) {
      for (const Extent& k : extents) {
        for (int with = 0; with < 32; ++with) {  // bits: mask, sums, add, dresidual, no dx
          INFO(device.text(), ", ", k.text(), ", with ", with);
          const bool wanted = (with & 16) == 0;
          const bool masked = (with & 1) != 0, sums = (with & 2) != 0, residual = (with & 8) != 0;
          const Into into = (with & 4) != 0 ? Into::add : Into::assign;
          const Parameters p(k.c);
          const Values x = random_image(k, 1, device.type);
          const Values dy = random_image(k, 2, device.type);
          const std::vector<std::uint8_t> mask = random_mask(x.pixels(), k.c);
          const Doubles g = random_values(k.c, 16, DType::f32), gx = random_values(k.c, 17, DType::f32);
          Values expected = x, expected_residual = x;
          for (double& v : expected.v) v = Activations::prefill;
          reference::batch_norm_backward_apply<double>(
              {}, dy.image(), x.image(),
              {.mean = p.mean.data(), .var = p.var.data(), .gamma = p.gamma.data()},
              masked ? mask.data() : nullptr, sums ? g.data() : nullptr, sums ? gx.data() : nullptr,
              wanted ? expected.image() : reference::Image<double>(), into, expected_residual.image());
          Doubles size(x.v.size());
          for (std::size_t i = 0; i < size.size(); ++i) {
            const std::size_t c = i % static_cast<std::size_t>(k.c);
            const double inverse = 1.0 / std::sqrt(p.var[c]);
            const double xhat = (std::abs(x.v[i]) + std::abs(p.mean[c])) * inverse;
            const double shares = (std::abs(g[c]) + xhat * std::abs(gx[c])) / static_cast<double>(x.pixels());
            size[i] = p.gamma[c] * inverse * (std::abs(dy.v[i]) + (sums ? shares : 0.0)) +
                      (into == Into::add ? Activations::prefill : 0.0);
          }
          const OnDevice d(device.backend, p);
          const Activations on_device(device, x, k.gap), gradient(device, dy, k.gap);
          const Activations dx(device, k), dr(device, k);
          const Array<std::uint8_t> bits(device.backend, mask);
          const Array<float> sum_g(device.backend, floats(g)), sum_gx(device.backend, floats(gx));
          device.backend(BatchNormBackwardApply{.spec = {},
                                                .dy = gradient.view(),
                                                .x = sums ? ConstView(on_device.view()) : ConstView(),
                                                .mean = d.mean.data(),
                                                .var = d.var.data(),
                                                .gamma = d.gamma.data(),
                                                .relu_mask = masked ? bits.data() : nullptr,
                                                .sum_g = sums ? sum_g.data() : nullptr,
                                                .sum_g_xhat = sums ? sum_gx.data() : nullptr,
                                                .dx = wanted ? dx.view() : View(),
                                                .into = into,
                                                .dresidual = residual ? dr.view() : View()});
          CHECK(mismatch(dx.host().v, expected.v, sum_bounds(expected.v, size, 16, device.type)) == "");
          CHECK(dx.outside_untouched());
          if (residual) CHECK(mismatch(dr.host().v, expected_residual.v) == "");
          CHECK(dr.outside_untouched());
        }
      }
    }
  }

  TEST_CASE("batch_norm_backward_apply in place") {
    for (const Device& device : devices()) {
      INFO(device.text());
      const Parameters p(17);
      const OnDevice d(device.backend, p);
      const Values dy = random_image(2, 5, 5, 17, 1, device.type),
                   x = random_image(2, 5, 5, 17, 2, device.type);
      const Array<float> sum_g(device.backend, floats(p.beta)), sum_gx(device.backend, floats(p.mean));
      const Activations from(device, x), gradient(device, dy), dx(device, 2, 5, 5, 17),
          dr(device, 2, 5, 5, 17);
      const auto apply = [&](const Activations& g, View to, View residual) {
        device.backend(BatchNormBackwardApply{.spec = {},
                                              .dy = g.view(),
                                              .x = from.view(),
                                              .mean = d.mean.data(),
                                              .var = d.var.data(),
                                              .gamma = d.gamma.data(),
                                              .relu_mask = nullptr,
                                              .sum_g = sum_g.data(),
                                              .sum_g_xhat = sum_gx.data(),
                                              .dx = to,
                                              .into = Into::assign,
                                              .dresidual = residual});
      };
      apply(gradient, dx.view(), dr.view());
      const Activations over(device, dy), over_residual(device, dy), other(device, 2, 5, 5, 17);
      apply(over, over.view(), View());
      apply(over_residual, other.view(), over_residual.view());
      CHECK(mismatch(over.host().v, dx.host().v) == "");
      CHECK(mismatch(other.host().v, dx.host().v) == "");
      CHECK(mismatch(over_residual.host().v, dr.host().v) == "");
    }
  }
}

}  // namespace thaw::test
