// Uploads by the copy stream, on emulated streams that run as late and in as odd an order as they may.
#include "kernels/cuda/staging.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "kernels/backend.h"
#include "tests/simt/runtime.h"
#include "tests/simt/support.h"

namespace thaw::simt_test {
namespace {

// The schedule of a test; the one of the whole run is back afterwards.
class Schedule {
 public:
  explicit Schedule(::simt::Streams streams, std::uint64_t seed = 1) { ::simt::set_streams(streams, seed); }
  ~Schedule() { ::simt::use_environment(); }
  Schedule(const Schedule&) = delete;
  Schedule& operator=(const Schedule&) = delete;
};

// A value of step `step` and element `i`.
std::uint32_t value_of(std::size_t step, std::size_t i) {
  return static_cast<std::uint32_t>(step * 2654435761u + i);
}

// Every step reads one input, into which the next upload is queued while it may not have begun. A ring of
// 1600 bytes in parts of 200: uploads of 4 to 2600 bytes share a part, fill several and go round.
void check_steps() {
  const TestQueue compute, copies;
  cuda::Pool pool(compute.queue, cuda::pool_policy());
  constexpr std::size_t steps = 40, most = 650;
  const DeviceArray<std::uint32_t> input(compute, most), read(compute, steps * most);
  {
    cuda::Staging staging(compute.queue, copies.queue.stream, pool, 1600);
    for (std::size_t step = 0; step < steps; ++step) {
      std::vector<std::uint32_t> values(1 + step * 97 % most);
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = value_of(step, i);
      staging.upload(input.data(), values.data(), values.size() * 4);
      std::fill(values.begin(), values.end(), 0u);
      cuda::check(cudaMemcpyAsync(read.data() + step * most, input.data(), values.size() * 4,
                                  cudaMemcpyDeviceToDevice, compute.queue.stream),
                  "step");
    }
  }
  const std::vector<std::uint32_t> got = read.host();
  std::size_t wrong = 0;
  for (std::size_t step = 0; step < steps; ++step)
    for (std::size_t i = 0; i < 1 + step * 97 % most; ++i)
      wrong += got[step * most + i] != value_of(step, i) ? 1 : 0;
  CHECK(wrong == 0);
  CHECK(::simt::take_fault() == "");
}

TEST_CASE("each step reads its own upload, whichever stream runs first") {
  {
    const Schedule schedule(::simt::Streams::eager);
    check_steps();
  }
  {
    const Schedule schedule(::simt::Streams::lazy);
    check_steps();
  }
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    const Schedule schedule(::simt::Streams::random, seed);
    check_steps();
  }
}

TEST_CASE("an upload reaches the device while the step before it has not begun") {
  const TestQueue compute, copies;
  cuda::Pool pool(compute.queue, cuda::pool_policy());
  void* const block = pool.allocate(4000);
  pool.deallocate(block);
  cuda::Staging staging(compute.queue, copies.queue.stream, pool, 4000);  // its ring is that block
  const DeviceArray<float> input(compute, std::vector<float>(64, 1.0f));
  const Schedule schedule(::simt::Streams::lazy);
  float seen = 0.0f;
  bool begun = false;
  ::simt::enqueue(compute.queue.stream, [&] {
    begun = true;
    seen = input.data()[63];
  });
  const std::vector<float> next(64, 2.0f);
  staging.upload(input.data(), next.data(), 256);
  copies.wait();
  CHECK(static_cast<const float*>(block)[63] == 2.0f);
  CHECK_FALSE(begun);
  CHECK(input.host()[63] == 2.0f);
  CHECK(seen == 1.0f);
}

TEST_CASE("an upload from page-locked memory is fetched from there, and the memory may change on return") {
  const auto backend = make_cuda_backend();
  constexpr std::size_t count = 100'000, bytes = count * 4;
  const auto& pinned = ::simt::Runtime::instance().pinned;
  REQUIRE(!pinned.empty());
  const auto ring = std::find_if(pinned.begin(), pinned.end(),
                                 [](const auto& p) { return p.second == cuda::pool_policy().upload_ring; });
  REQUIRE(ring != pinned.end());
  const std::string before(ring->first, ring->second);
  const std::shared_ptr<void> source = backend->upload_source(bytes);
  auto* values = static_cast<std::uint32_t*>(source.get());
  void* memory = backend->allocate(bytes);
  std::vector<std::uint32_t> back(count);
  for (const auto streams : {::simt::Streams::lazy, ::simt::Streams::random}) {
    const Schedule schedule(streams);
    for (std::size_t i = 0; i < count; ++i) values[i] = value_of(1, i);
    backend->upload(memory, values, bytes);
    for (std::size_t i = 0; i < count; ++i) values[i] = 0;
    backend->download(back.data(), memory, bytes);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < count; ++i) wrong += back[i] != value_of(1, i) ? 1 : 0;
    CHECK(wrong == 0);
  }
  CHECK(std::string(ring->first, ring->second) == before);
  backend->deallocate(memory, bytes);
}

TEST_CASE("large uploads pass through page-locked memory piece by piece") {
  const auto backend = make_cuda_backend();
  std::vector<std::uint32_t> values((std::size_t{3} << 20) / 4 + 3), back(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = value_of(1, i);
  const std::size_t bytes = values.size() * 4;
  void* memory = backend->allocate(bytes);
  backend->upload(memory, values.data(), bytes);
  backend->download(back.data(), memory, bytes);
  CHECK(back == values);
  backend->deallocate(memory, bytes);
}

}  // namespace
}  // namespace thaw::simt_test
