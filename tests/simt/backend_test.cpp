// The backend's memory and recorded steps on the emulated device.
#include "kernels/backend.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "kernels/cuda/memory.h"
#include "tests/simt/sanitizers.h"
#include "tests/simt/support.h"

namespace thaw::simt_test {
namespace {

TEST_CASE("a recorded step keeps its blocks to itself until it goes away") {
  const TestQueue q;
  cuda::Pool pool(q.queue, cuda::pool_policy());
  void* before = pool.allocate(64);
  const int recording = pool.begin_recording();
  void* inside = pool.allocate(64);
  pool.deallocate(inside);
  CHECK(pool.allocate(64) == inside);
  pool.deallocate(before);  // the step may have read it
  pool.end_recording();
  pool.deallocate(inside);
  void* other = pool.allocate(64);
  CHECK(other != inside);
  CHECK(other != before);
  pool.deallocate(other);
  pool.release(recording);
  void* blocks[] = {pool.allocate(64), pool.allocate(64), pool.allocate(64)};
  CHECK(pool.bytes_in_use() == 192);
  for (void* block : {before, inside, other}) CHECK(std::count(blocks, blocks + 3, block) == 1);
}

TEST_CASE("a reused block holds NaN again on the emulator") {
  const TestQueue q;
  cuda::Pool pool(q.queue, cuda::pool_policy());
  auto* block = static_cast<float*>(pool.allocate(4));
  cuda::check(cudaMemsetAsync(block, 0, 4, q.queue.stream), "zero");
  pool.deallocate(block);
  CHECK(pool.allocate(4) == block);
  float value = 0.0f;
  cuda::check(cudaMemcpyAsync(&value, block, 4, cudaMemcpyDeviceToHost, q.queue.stream), "download");
  CHECK(std::isnan(value));
}

// A write of one element past a block of 63, from a pool of the device's own policy.
std::string fault_of_write_past_end(const char* policy) {
  const Variable environment("THAW_POOL", policy);
  const TestQueue q;
  cuda::Pool pool(q.queue, cuda::chosen_pool_policy(cuda::device_pool_policy()));
  auto* block = static_cast<float*>(pool.allocate(63 * sizeof(float)));
  ::simt::enqueue(q.queue.stream, [block] { block[63] = 1.0f; });
  pool.deallocate(block);
  return ::simt::take_fault();  // waits
}

TEST_CASE(
    "THAW_POOL=passthrough: a write one element past a block is seen, which the pool's own blocks hide") {
  CHECK(fault_of_write_past_end(nullptr) == "");
#if defined(SIMT_ASAN)
  MESSAGE("not run: AddressSanitizer ends the program; planted_faults has it");
#else
  CHECK(fault_of_write_past_end("passthrough").find("write past the end of a device allocation of 252") == 0);
#endif
}

TEST_CASE("THAW_POOL=passthrough: blocks are freed when they come back, those of a recorded step with it") {
  const Variable environment("THAW_POOL", "passthrough");
  const TestQueue q;
  cuda::Pool pool(q.queue, cuda::chosen_pool_policy(cuda::device_pool_policy()));
  const auto live = [](const void* block) { return ::simt::device_range(block, 4); };
  ::simt::set_streams(::simt::Streams::lazy);
  void* block = pool.allocate(4);
  CHECK(::simt::device_range(block, 4));
  CHECK_FALSE(::simt::device_range(block, 5));
  cuda::check(cudaMemsetAsync(block, 0, 4, q.queue.stream),
              "zero");  // still queued when the block comes back
  pool.deallocate(block);
  CHECK_FALSE(live(block));
  ::simt::use_environment();

  void* before = pool.allocate(4);
  const int recording = pool.begin_recording();
  void *inside = pool.allocate(4), *kept = pool.allocate(4);
  pool.deallocate(before);  // the step may have read it
  pool.deallocate(inside);
  CHECK(pool.allocate(4) != inside);
  pool.end_recording();
  CHECK(live(before));
  CHECK(live(inside));
  pool.release(recording);
  CHECK_FALSE(live(before));
  CHECK_FALSE(live(inside));
  CHECK(live(kept));
  pool.deallocate(kept);
  CHECK_FALSE(live(kept));
  CHECK(pool.bytes_in_use() == 4);
  CHECK(::simt::take_fault() == "");
}

TEST_CASE("THAW_POOL takes no other value") {
  for (const char* value : {"", "pass", "Passthrough"}) {
    const Variable environment("THAW_POOL", value);
    CHECK_THROWS_WITH_AS(make_cuda_backend(),
                         ("the environment variable THAW_POOL is '" + std::string(value) +
                          "'; it takes passthrough, or leave it unset")
                             .c_str(),
                         Error);
  }
}

TEST_CASE("a recorded step refuses what a graph cannot hold, and the backend works on") {
  const auto backend = make_cuda_backend();
  void* memory = backend->allocate(4);
  float value = 3.0f;
  CHECK_THROWS_WITH_AS(backend->record([&] { backend->upload(memory, &value, 4); }),
                       "cuda: upload while a step is recorded; do it before record() or after replay()",
                       Error);
  backend->upload(memory, &value, 4);
  const auto recording = backend->record([&] {
    backend->deallocate(backend->allocate(4321), 4321);  // which the pool must ask the device for
    backend->zero(memory, 4);
  });
  backend->upload(memory, &value, 4);
  recording->replay();
  backend->download(&value, memory, 4);
  CHECK(value == 0.0f);
  backend->deallocate(memory, 4);
  CHECK(::simt::take_fault() == "");
}

}  // namespace
}  // namespace thaw::simt_test
