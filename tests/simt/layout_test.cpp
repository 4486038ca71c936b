// Input conversion, flatten, the option-A shortcut and dropout, as CUDA runs them, against the reference's
// loops.
#include "kernels/reference/dropout.h"
#include "kernels/reference/flatten.h"
#include "kernels/reference/normalize.h"
#include "kernels/reference/shortcut_a.h"
#include "tests/simt/canvas.h"

namespace thaw::simt_test {
namespace {

template <class T>
void check_normalize(const Extent& e, Index channels, bool flipped) {
  const TestQueue q;
  Canvas<T> y(q, e, 1);
  PhiloxStream stream(2, Purpose::test, 0, 0);
  std::vector<std::uint8_t> x(static_cast<std::size_t>(e.pixels() * channels)),
      flip(static_cast<std::size_t>(e.n));
  for (auto& v : x) v = static_cast<std::uint8_t>(stream.bits());
  for (std::size_t i = 0; i < flip.size(); ++i) flip[i] = i % 2 == 1;
  const std::vector<float> mean{0.485f, 0.456f, 0.406f}, std{0.229f, 0.224f, 0.225f};
  const DeviceArray<std::uint8_t> dev_x(q, x), dev_flip(q, flip);
  const DeviceArray<float> dev_mean(q, mean), dev_std(q, std);
  reference::normalize_u8<double>(x.data(), channels, doubles(mean).data(), doubles(std).data(),
                                  flipped ? flip.data() : nullptr, y.image());
  cuda::run(q.queue, NormalizeU8{.x = dev_x.data(),
                                 .channels = channels,
                                 .mean = dev_mean.data(),
                                 .std = dev_std.data(),
                                 .flip = flipped ? dev_flip.data() : nullptr,
                                 .y = y.view()});
  CHECK(y.mismatch(5e-7) == "");
  CHECK(::simt::take_fault() == "");
}

template <class T>
void check_flatten(const Extent& e, Index gap) {
  const TestQueue q;
  const Index width = e.h * e.w * e.c;
  Canvas<T> x(q, e, 1), y(q, {e.n, 1, 1, width, width + gap}, 2), dy(q, {e.n, 1, 1, width, width + gap}, 3),
      dx(q, e, 4);
  reference::flatten_forward<double>(x.image(), y.image());
  cuda::run(q.queue, FlattenForward{.x = x.view(), .y = y.view()});
  CHECK(y.mismatch(0) == "");
  reference::flatten_backward<double>(dy.image(), dx.image());
  cuda::run(q.queue, FlattenBackward{.dy = dy.view(), .dx = dx.view()});
  CHECK(dx.mismatch(0) == "");
  CHECK(::simt::take_fault() == "");
}

template <class T>
void check_shortcut(const Extent& in, Index out_c, Index gap) {
  const TestQueue q;
  const Extent out{in.n, (in.h + 1) / 2, (in.w + 1) / 2, out_c, out_c + gap};
  Canvas<T> x(q, in, 1), y(q, out, 2), dy(q, out, 3), dx(q, in, 4);
  reference::shortcut_a_forward<double>(x.image(), y.image());
  cuda::run(q.queue, ShortcutAForward{.x = x.view(), .y = y.view()});
  CHECK(y.mismatch(0) == "");
  reference::shortcut_a_backward<double>(dy.image(), dx.image());
  cuda::run(q.queue, ShortcutABackward{.dy = dy.view(), .dx = dx.view()});
  CHECK(dx.mismatch(0) == "");
  CHECK(::simt::take_fault() == "");
}

// Kept values are scaled; which ones are kept is compared exactly, since 0 stays 0 only where dropped.
template <class T>
void check_dropout(const Extent& e, float p, Index slack) {
  const TestQueue q;
  const StepState state{.step = (std::uint64_t{1} << 33) + 5, .seed = 0x123456789abcdefULL};
  const DeviceArray<StepState> dev_state(q, std::vector<StepState>{state});
  Canvas<T> x(q, e, 1, 2.0f, slack), y(q, e, 2);
  reference::dropout<double>(x.image(), p, 7, state, y.image());
  cuda::run(q.queue,
            DropoutForward{.x = x.view(), .p = p, .layer = 7, .state = dev_state.data(), .y = y.view()});
  CHECK(y.mismatch(2e-7) == "");
  reference::dropout<double>(x.image(), p, 7, state, x.image());
  cuda::run(q.queue,
            DropoutForward{
                .x = x.view(), .p = p, .layer = 7, .state = dev_state.data(), .y = x.view()});  // in place
  CHECK(x.mismatch(2e-7) == "");
  CHECK(::simt::take_fault() == "");
}

TEST_CASE("normalize_u8: mirrored where asked, channels padded with 0") {
  under_schedules([] {
    for (const bool flipped : {false, true}) {
      for (const Extent& e : {Extent{1, 1, 1, 3, 3},
                              {3, 5, 7, 3, 3},
                              {2, 5, 4, 4, 4},
                              {2, 32, 32, 8, 8},
                              {2, 3, 3, 8, 16},
                              {5, 33, 31, 3, 4}}) {
        CAPTURE(e.text());
        check_normalize<float>(e, 3, flipped);
        check_normalize<bf16>(e, 3, flipped);
        check_normalize<float>(e, 1, flipped);
      }
    }
  });
}

TEST_CASE("flatten both ways, bit for bit") {
  under_schedules([] {
    for (const Extent& e : {Extent{1, 1, 1, 1, 1},
                            {2, 3, 5, 7, 9},
                            {3, 6, 6, 64, 64},
                            {2, 7, 7, 33, 33},
                            {9, 1, 1, 40, 40},
                            {1, 8, 8, 70, 71}}) {
      CAPTURE(e.text());
      check_flatten<float>(e, 0);
      check_flatten<bf16>(e, 3);
    }
  });
}

TEST_CASE("shortcut_a both ways, bit for bit") {
  under_schedules([] {
    for (const Extent& e :
         {Extent{1, 1, 1, 1, 1}, {2, 5, 7, 16, 16}, {2, 8, 8, 16, 24}, {1, 4, 4, 3, 5}, {3, 33, 31, 8, 8}}) {
      CAPTURE(e.text());
      for (const Index out_c : {e.c, 2 * e.c, e.c + 16}) {
        check_shortcut<float>(e, out_c, 0);
        check_shortcut<bf16>(e, out_c, 8);
      }
    }
  });
}

TEST_CASE("dropout: the mask of the reference, in any layout, in place") {
  under_schedules([] {
    for (const Extent& e : {Extent{1, 1, 1, 1, 1},
                            {2, 3, 5, 7, 7},
                            {2, 3, 5, 8, 24},
                            {1, 4, 4, 5, 9},
                            {4, 1, 1, 512, 512},
                            {3, 37, 41, 8, 8}}) {
      CAPTURE(e.text());
      check_dropout<float>(e, 0.5f, 0);
      check_dropout<float>(e, 0.1f, 1);
      check_dropout<bf16>(e, 0.3f, 0);
    }
  });
}

TEST_CASE("normalize_u8: no pictures, no work") {
  const TestQueue q;
  const Canvas<float> x(q, {1, 4, 4, 4, 4}, 1);
  View none = x.view();
  none.n = 0;
  cuda::run(q.queue, NormalizeU8{.x = nullptr, .channels = 3, .mean = nullptr, .std = nullptr, .y = none});
  CHECK(::simt::take_fault() == "");
}

}  // namespace
}  // namespace thaw::simt_test
