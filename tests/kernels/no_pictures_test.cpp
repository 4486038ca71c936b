// A batch without pictures: ops with nothing to do write nothing and read nothing.
#include <doctest/doctest.h>

#include "tests/support/values.h"

namespace thaw::test {

TEST_SUITE("kernels") {
  TEST_CASE("no pictures, no work") {
    const Pool2dSpec pool{.kernel = 3, .stride = 2, .padding = 1};
    for (const Device& device : devices()) {
      INFO(device.text());
      Backend& backend = device.backend;
      const Activations some(device, 1, 8, 8, 16), some_half(device, 1, 4, 4, 16),
          some_rows(device, 1, 1, 1, 1024);
      View x = some.view(), half = some_half.view(), rows = some_rows.view();
      x.n = half.n = rows.n = 0;
      View pooled = half, four = x;
      pooled.h = pooled.w = 1;
      four.c = 4;
      const Array<float> channels(backend, std::vector<float>(16, 1.0f));
      const Array<StepState> state(backend, {StepState{}});
      const float* one = channels.data();
      backend(Copy{.x = x, .y = x});
      backend(Add{.a = x, .b = x, .y = x});
      backend(ReluForward{.x = x, .y = x});
      backend(ReluBackward{.dy = x, .y = x, .dx = x});
      backend(DropoutForward{.x = x, .p = 0.5f, .layer = 1, .state = state.data(), .y = x});
      backend(MaxPool2dForward{.spec = pool, .x = x, .y = half});
      backend(MaxPool2dBackward{.spec = pool, .dy = half, .index = nullptr, .dx = x});
      backend(AvgPool2dForward{.spec = pool, .x = x, .y = half});
      backend(AvgPool2dBackward{.spec = pool, .dy = half, .dx = x});
      backend(GlobalAvgPoolForward{.x = x, .y = pooled});
      backend(GlobalAvgPoolBackward{.dy = pooled, .dx = x});
      backend(FlattenForward{.x = x, .y = rows});
      backend(FlattenBackward{.dy = rows, .dx = x});
      backend(ShortcutAForward{.x = x, .y = half});
      backend(ShortcutABackward{.dy = half, .dx = x});
      backend(NormalizeU8{.x = nullptr, .channels = 3, .mean = one, .std = one, .flip = nullptr, .y = four});
      backend(BatchNormApply{.spec = {}, .x = x, .mean = one, .var = one, .gamma = one, .beta = one, .y = x});
      backend(NormReluPoolForward{
          .norm = {}, .pool = pool, .x = x, .mean = one, .var = one, .gamma = one, .beta = one, .y = half});
      backend.synchronize();
      for (const Activations* untouched : {&some, &some_half, &some_rows})
        for (const double v : untouched->host().v) REQUIRE(v == Activations::prefill);
    }
  }
}

}  // namespace thaw::test
