#include <doctest/doctest.h>

#include <cstdint>

#include "tests/support/devices.h"

namespace thaw::test {

TEST_SUITE("kernels") {
  TEST_CASE("memory: aligned, counted, kept for reuse") {
    for (const auto& backend : backends()) {
      INFO(backend->name());
      const std::size_t before = backend->bytes_in_use();
      void* a = backend->allocate(1000);
      void* b = backend->allocate(1);
      CHECK(reinterpret_cast<std::uintptr_t>(a) % 256 == 0);
      CHECK(reinterpret_cast<std::uintptr_t>(b) % 256 == 0);
      CHECK(a != b);
      CHECK(backend->bytes_in_use() >= before + 1001);
      backend->reset_peak();
      CHECK(backend->peak_bytes() == backend->bytes_in_use());
      backend->deallocate(a, 1000);
      CHECK(backend->peak_bytes() > backend->bytes_in_use());
      backend->deallocate(b, 1);
      CHECK(backend->bytes_in_use() == before);
      void* first = backend->allocate(5000);
      backend->deallocate(first, 5000);
      void* second = backend->allocate(5000);
      backend->deallocate(second, 5000);
      CHECK(first == second);
    }
  }

  TEST_CASE("memory: an impossible request is an error with the figure, and changes nothing") {
    for (const auto& backend : backends()) {
      INFO(backend->name());
      const std::size_t before = backend->bytes_in_use();
      const std::size_t bytes = std::size_t{1} << 62;
      std::string message;
      try {
        backend->allocate(bytes);
      } catch (const Error& error) {
        message = error.what();
      }
      CHECK(message.find(std::to_string(bytes)) != std::string::npos);
      CHECK(backend->bytes_in_use() == before);
    }
  }

  TEST_CASE("memory: upload, copy, zero, download") {
    for (const auto& backend : backends()) {
      INFO(backend->name());
      const Array<int> a(*backend, {1, 2, 3, 4}), b(*backend, {5, 6, 7, 8});
      backend->copy_bytes(b.data() + 1, a.data(), 2 * sizeof(int));
      backend->zero(a.data() + 3, sizeof(int));
      backend->synchronize();
      CHECK(a.host() == std::vector<int>{1, 2, 3, 0});
      CHECK(b.host() == std::vector<int>{5, 1, 2, 8});
    }
  }

  TEST_CASE("record runs the step once, replay runs it again on the same memory") {
    const ArenaSegment segment{0, 1, 1.0f, 0.0f};
    for (const auto& backend : backends()) {
      INFO(backend->name());
      const Array<float> weight(*backend, {1.0f}), gradient(*backend, {1.0f});
      const Array<StepState> state(*backend, {StepState{.lr = 0.25f}});
      const auto recording = backend->record([&] {
        (*backend)(SgdStep{.spec = {.momentum = 0.0f},
                           .segments = &segment,
                           .segment_count = 1,
                           .state = state.data(),
                           .gradient = gradient.data(),
                           .weight = weight.data()});
      });
      CHECK(weight.host()[0] == 0.75f);
      recording->replay();
      CHECK(weight.host()[0] == 0.5f);
      state.set({StepState{.lr = 0.5f}});
      recording->replay();
      CHECK(weight.host()[0] == 0.0f);
    }
  }

  TEST_CASE("make_backend: names, auto, and the error for another name") {
    CHECK(make_backend("reference")->name() == "reference");
    CHECK(make_backend("auto") != nullptr);
    CHECK_THROWS_WITH_AS(make_backend("gpu"), "device 'gpu' is unknown; use auto, cpu, cuda or reference",
                         Error);
    CHECK_THROWS_WITH_AS(make_backend("reference", {.tf32 = true}),
                         "device reference: TF32 is of GPUs; leave it off or use device cuda", Error);
    std::string reason;
    if (cuda_available(&reason)) {
      CHECK(make_backend("auto", {.tf32 = true})->name() == "cuda");
    } else {
      CHECK(reason != "");
      CHECK_THROWS_AS(make_backend("cuda"), Error);
      CHECK_THROWS_AS(make_backend("auto", {.tf32 = true}), Error);
    }
  }
}

}  // namespace thaw::test
