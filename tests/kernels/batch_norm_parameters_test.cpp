// What the sums of a BatchNorm give to its parameters: running statistics, and the gradients of gamma and
// beta.
#include <doctest/doctest.h>

#include "kernels/reference/batch_norm.h"
#include "tests/support/compare.h"

namespace thaw::test {
namespace {

constexpr Index channels = 37;  // more than one group of eight, and a rest

std::vector<float> some(std::uint64_t seed) {
  return floats(random_values(channels, seed, DType::f32));
}

std::vector<float> positive(std::uint64_t seed) {
  return floats(random_values(channels, seed, DType::f32, 0.1, 2.0));
}

// Empty if `gradient` holds `sums`, or `before` + `sums`; a product before an addition need not be rounded.
std::string mismatch_of_given(const Array<float>& gradient, const Array<float>& sums,
                              const std::vector<float>& before, Into into) {
  Doubles expected = doubles(sums.host()), magnitude = expected;
  for (std::size_t c = 0; c < expected.size(); ++c) {
    magnitude[c] = std::abs(expected[c]) + std::abs(static_cast<double>(before[c]));
    if (into == Into::add) expected[c] += static_cast<double>(before[c]);
  }
  return mismatch(doubles(gradient.host()), expected, sum_bounds(expected, magnitude, 2, DType::f32));
}

}  // namespace

TEST_SUITE("kernels") {
  TEST_CASE("batch_norm_running: one step of running statistics") {
    // PyTorch: running = 0.9 * running + 0.1 * value. By hand: the mean 3.5 moves 2 to 2.15; the biased
    // variance 3.5 of 8 values is 4 unbiased, and moves 2 to 2.2.
    for (const auto& backend : backends()) {
      INFO(backend->name());
      const Array<float> mean(*backend, {3.5f, 0.0f, 1.0f}), var(*backend, {3.5f, 7.0f, 1.0f});
      const Array<float> to_mean(*backend, {2.0f, -1.0f, 8.0f}), to_var(*backend, {2.0f, -1.0f, 8.0f});
      (*backend)(BatchNormRunning{.mean = mean.data(),
                                  .var = var.data(),
                                  .channels = 2,
                                  .pixels = 8,
                                  .running = {to_mean.data(), to_var.data(), 0.1f}});
      const std::vector<float> m = to_mean.host(), v = to_var.host();
      CHECK(m[0] == doctest::Approx(2.15).epsilon(1e-6));
      CHECK(m[1] == doctest::Approx(-0.9).epsilon(1e-6));
      CHECK(v[0] == doctest::Approx(2.2).epsilon(1e-6));
      CHECK(v[1] == doctest::Approx(-0.1).epsilon(1e-6));
      CHECK(m[2] == 8.0f);  // beyond the channels
      CHECK(v[2] == 8.0f);
    }
  }

  TEST_CASE("batch_norm_statistics moves running statistics as batch_norm_running does") {
    for (const Device& device : devices()) {
      INFO(device.text());
      Backend& backend = device.backend;
      const Activations x(device, random_image(3, 5, 7, channels, 1, device.type), 3);
      const std::vector<float> zero(channels);
      const Array<float> mean(backend, zero), var(backend, zero), alone_mean(backend, zero),
          alone_var(backend, zero);
      const Array<float> mean_a(backend, some(2)), var_a(backend, positive(3)), mean_b(backend, some(2)),
          var_b(backend, positive(3));
      backend(BatchNormStatistics{.x = x.view(),
                                  .mean = mean.data(),
                                  .var = var.data(),
                                  .running = {mean_a.data(), var_a.data(), 0.25f}});
      backend(BatchNormStatistics{.x = x.view(), .mean = alone_mean.data(), .var = alone_var.data()});
      CHECK(mean.host() == alone_mean.host());
      CHECK(var.host() == alone_var.host());
      backend(BatchNormRunning{.mean = mean.data(),
                               .var = var.data(),
                               .channels = channels,
                               .pixels = 3 * 5 * 7,
                               .running = {mean_b.data(), var_b.data(), 0.25f}});
      const auto close = [](const Array<float>& a, const Array<float>& b) {
        const Doubles expected = doubles(b.host()),
                      ones(channels, 1.0);  // one of the two may use fused steps
        return mismatch(doubles(a.host()), expected, sum_bounds(expected, ones, 4, DType::f32));
      };
      CHECK(close(mean_a, mean_b) == "");
      CHECK(close(var_a, var_b) == "");
    }
  }

  TEST_CASE("the sums of a BatchNorm's gradient are given to gamma and beta") {
    const Pool2dSpec pool{.kernel = 3, .stride = 2, .padding = 1};
    for (const Device& device : devices())
      for (const bool pooled : {false, true})
        for (const Into into : {Into::assign, Into::add}) {
          INFO(device.text(), ", pooled ", pooled, ", add ", into == Into::add);
          Backend& backend = device.backend;
          const Activations x(device, random_image(2, 8, 6, channels, 1, device.type), 3);
          const Activations dy(device, random_image(2, 8, 6, channels, 2, device.type), 3),
              pooled_dy(device, random_image(2, 4, 3, channels, 2, device.type));
          const Array<std::uint8_t> index(backend, std::vector<std::uint8_t>(2 * 4 * 3 * channels, 4));
          const std::vector<float> before = some(5), zero(channels);
          const Array<float> mean(backend, some(3)), var(backend, positive(4)), sum_g(backend, zero),
              sum_g_xhat(backend, zero), dgamma(backend, before), dbeta(backend, before);
          const auto reduce = [&](const ChannelGradient& to_gamma, const ChannelGradient& to_beta) {
            if (pooled)
              backend(NormReluPoolBackwardReduce{.norm = {},
                                                 .pool = pool,
                                                 .dy = pooled_dy.view(),
                                                 .index = index.data(),
                                                 .x = x.view(),
                                                 .mean = mean.data(),
                                                 .var = var.data(),
                                                 .sum_g = sum_g.data(),
                                                 .sum_g_xhat = sum_g_xhat.data(),
                                                 .dgamma = to_gamma,
                                                 .dbeta = to_beta});
            else
              backend(BatchNormBackwardReduce{.spec = {},
                                              .dy = dy.view(),
                                              .x = x.view(),
                                              .mean = mean.data(),
                                              .var = var.data(),
                                              .relu_mask = nullptr,
                                              .sum_g = sum_g.data(),
                                              .sum_g_xhat = sum_g_xhat.data(),
                                              .dgamma = to_gamma,
                                              .dbeta = to_beta});
          };
          reduce({dgamma.data(), into}, {dbeta.data(), into});
          CHECK(mismatch_of_given(dgamma, sum_g_xhat, before, into) == "");
          CHECK(mismatch_of_given(dbeta, sum_g, before, into) == "");
          const std::vector<float> kept = dgamma.host();
          reduce({}, {dbeta.data(), Into::assign});
          CHECK(dgamma.host() == kept);  // not wanted
          CHECK(dbeta.host() == sum_g.host());
        }
  }
}

}  // namespace thaw::test
