// Devices store results too large for their caches in other ways; the results must be the same bits.
#include <doctest/doctest.h>

#include "tests/support/values.h"

namespace thaw::test {
namespace {

View picture(View all, Index n) {
  all.data = static_cast<float*>(all.data) + n * all.h * all.w * all.pitch;
  all.n = 1;
  return all;
}

}  // namespace

TEST_SUITE("kernels") {
  TEST_CASE("a large batch gives the bits of its pictures one by one") {
    constexpr Index pictures = 8, size = 112, c = 64;  // 25.7 MB
    constexpr Index pixels = size * size;
    for (const auto& backend : backends()) {
      // The reference stores everything in one way; an emulated GPU would take too long.
      if (!backend->host_memory() || backend->name() == "reference") continue;
      INFO(backend->name());
      const Device device{*backend, DType::f32};
      const Activations x(device, random_image(pictures, size, size, c, 1, DType::f32));
      const Activations r(device, random_image(pictures, size, size, c, 2, DType::f32));
      const Activations whole(device, pictures, size, size, c), parts(device, pictures, size, size, c);
      const Array<float> mean(*backend, floats(random_values(c, 3, DType::f32)));
      const Array<float> var(*backend, floats(random_values(c, 4, DType::f32, 0.5, 2.0)));
      const Array<float> gamma(*backend, floats(random_values(c, 5, DType::f32, 0.5, 2.0)));
      const Array<float> beta(*backend, floats(random_values(c, 6, DType::f32)));
      const auto mask_row = relu_mask_bytes(pixels, c);
      const Array<std::uint8_t> mask(
          *backend, std::vector<std::uint8_t>(static_cast<std::size_t>(pictures * mask_row)));
      const Array<std::uint8_t> part_mask(*backend, mask.host());
      const auto check = [&](const char* op, auto run) {
        run(x.view(), r.view(), whole.view(), mask.data());
        for (Index n = 0; n < pictures; ++n) {
          run(picture(x.view(), n), picture(r.view(), n), picture(parts.view(), n),
              part_mask.data() + n * mask_row);
        }
        CHECK_MESSAGE(whole.host().v == parts.host().v, op);
        CHECK_MESSAGE(mask.host() == part_mask.host(), op);
      };
      check("copy", [&](View a, View, View y, std::uint8_t*) { (*backend)(Copy{.x = a, .y = y}); });
      check("relu_forward",
            [&](View a, View, View y, std::uint8_t*) { (*backend)(ReluForward{.x = a, .y = y}); });
      check("relu_backward", [&](View a, View b, View y, std::uint8_t*) {
        (*backend)(ReluBackward{.dy = b, .y = a, .dx = y});
      });
      check("add", [&](View a, View b, View y, std::uint8_t*) { (*backend)(Add{.a = a, .b = b, .y = y}); });
      check("batch_norm_apply", [&](View a, View b, View y, std::uint8_t* bits) {
        (*backend)(BatchNormApply{.spec = {.activation = Activation::relu},
                                  .x = a,
                                  .mean = mean.data(),
                                  .var = var.data(),
                                  .gamma = gamma.data(),
                                  .beta = beta.data(),
                                  .residual = b,
                                  .y = y,
                                  .relu_mask = bits});
      });
      check("batch_norm_backward_apply", [&](View a, View b, View y, std::uint8_t* bits) {
        (*backend)(BatchNormBackwardApply{.spec = {},
                                          .dy = b,
                                          .x = a,
                                          .mean = mean.data(),
                                          .var = var.data(),
                                          .gamma = gamma.data(),
                                          .relu_mask = bits,
                                          .sum_g = nullptr,
                                          .sum_g_xhat = nullptr,
                                          .dx = y,
                                          .into = Into::assign});
      });
      const Pool2dSpec pool{.kernel = 3, .stride = 2, .padding = 1};
      const Activations dy(device, random_image(pictures, size / 2, size / 2, c, 7, DType::f32));
      constexpr Index quarter = pixels / 4 * c;
      std::vector<std::uint8_t> winners(static_cast<std::size_t>(pictures * quarter));
      for (std::size_t i = 0; i < winners.size(); ++i) winners[i] = static_cast<std::uint8_t>(i * 7 % 9);
      const Array<std::uint8_t> index(*backend, winners);
      const auto apply = [&](View from, const std::uint8_t* won, View to) {
        (*backend)(NormReluPoolBackwardApply{.norm = {},
                                             .pool = pool,
                                             .dy = from,
                                             .index = won,
                                             .x = {},
                                             .mean = mean.data(),
                                             .var = var.data(),
                                             .gamma = gamma.data(),
                                             .sum_g = nullptr,
                                             .sum_g_xhat = nullptr,
                                             .dx = to});
      };
      apply(dy.view(), index.data(), whole.view());
      for (Index n = 0; n < pictures; ++n)
        apply(picture(dy.view(), n), index.data() + n * quarter, picture(parts.view(), n));
      CHECK_MESSAGE(whole.host().v == parts.host().v, "norm_relu_pool_backward_apply");
    }
  }
}

}  // namespace thaw::test
