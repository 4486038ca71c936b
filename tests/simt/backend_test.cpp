// The backend's memory and recorded steps on the emulated device.
#include "kernels/backend.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "kernels/cuda/memory.h"
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

TEST_CASE("a recorded step refuses what a graph cannot hold, and the backend works on") {
  const auto backend = make_cuda_backend();
  void* memory = backend->allocate(4);
  float value = 3.0f;
  CHECK_THROWS_WITH_AS(backend->record([&] { backend->upload(memory, &value, 4); }),
                       "cuda: upload while a step is recorded; do it before record() or after replay()",
                       Error);
  backend->upload(memory, &value, 4);
  const auto recording = backend->record([&] { backend->zero(memory, 4); });
  backend->upload(memory, &value, 4);
  recording->replay();
  backend->download(&value, memory, 4);
  CHECK(value == 0.0f);
  backend->deallocate(memory, 4);
  CHECK(::simt::take_fault() == "");
}

}  // namespace
}  // namespace thaw::simt_test
