// Faults planted in small kernels: the emulator must notice each, and say where.
#include <doctest/doctest.h>

#include "kernels/cuda/vector.h"
#include "tests/simt/device.h"
#include "tests/simt/support.h"

namespace thaw::simt_test {
namespace {

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

void missing_barrier_exit(float*) {
  if (threadIdx.x < 16) return;
  __syncthreads();
}

void divergent_barrier(float*) {
  if (threadIdx.x < 32)
    __syncthreads();
  else
    __syncthreads();
}

void shuffle_outside_mask(float* y) {
  y[threadIdx.x] = __shfl_sync(0xffffu, 1.0f, 20);
}

void divergent_shuffle(float* y) {
  if (threadIdx.x % 2 == 0)
    y[threadIdx.x] = __shfl_xor_sync(~0u, 1.0f, 1);
  else
    y[threadIdx.x] = __shfl_xor_sync(~0u, 2.0f, 1);
}

void shared_over_limit(float* y) {
  THAW_SHARED(float, tile, [13 * 1024]);
  tile[threadIdx.x] = 1.0f;
  y[threadIdx.x] = tile[threadIdx.x];
}

void read_without_barrier(float* y) {
  THAW_SHARED(float, tile, [64]);
  tile[threadIdx.x] = 1.0f;
  y[threadIdx.x] = tile[63 - threadIdx.x];
}

void misaligned_store(float* y) {
  cuda::store<4>(y + 1 + threadIdx.x % 8 * 4, cuda::Vector<float, 4>{});
}

#ifndef __SANITIZE_ADDRESS__
void past_the_end(float* y) {
  y[threadIdx.x] = 1.0f;
}
#endif

std::string fault_of(void (*kernel)(float*), std::size_t elements = 64) {
  const TestQueue q;
  const DeviceArray<float> y(q, elements);
  (void)::simt::launch("planted", kernel, dim3(1), dim3(64), q.queue.stream, y.data());
  return ::simt::take_fault();
}

TEST_CASE("barriers that not all threads reach") {
  CHECK(contains(fault_of(missing_barrier_exit), "had left the kernel"));
  CHECK(contains(fault_of(divergent_barrier), "divergent barrier"));
}

TEST_CASE("warp operations outside their mask or divergent") {
  CHECK(contains(fault_of(shuffle_outside_mask), "not in the mask"));
  const std::string text = fault_of(divergent_shuffle);
  CHECK(contains(text, "divergent warp"));
  CHECK(contains(text, "faults_test.cpp:"));
  CHECK(contains(text, "kernel planted, block (0,0,0), thread"));
}

TEST_CASE("a vector that is not aligned to its size") {
  const std::string text = fault_of(misaligned_store);
  CHECK(contains(text, "misaligned access of 16 bytes"));
  CHECK(contains(text, "kernel planted, block (0,0,0), thread"));
}

TEST_CASE("more shared memory than a block has") {
  CHECK(contains(fault_of(shared_over_limit), "48 KiB"));
}

TEST_CASE("a missing barrier shows as NaN, or as a difference between schedules") {
  const TestQueue q;
  const DeviceArray<float> y(q, 64);
  (void)::simt::launch("planted", read_without_barrier, dim3(1), dim3(64), q.queue.stream, y.data());
  CHECK(std::isnan(y.host()[0]));
}

#ifndef __SANITIZE_ADDRESS__
TEST_CASE("a write past the end of an allocation") {
  CHECK(contains(fault_of(past_the_end, 60), "write past the end"));
}
#endif

TEST_CASE("the default stream, a block too large, an allocation that fails") {
  const TestQueue q;
  const DeviceArray<float> y(q, 64);
  (void)::simt::launch("planted", missing_barrier_exit, dim3(1), dim3(64), nullptr, y.data());
  CHECK(contains(::simt::take_fault(), "default stream"));
  CHECK(::simt::launch("planted", missing_barrier_exit, dim3(1), dim3(1025), q.queue.stream, y.data()) ==
        cudaErrorInvalidConfiguration);
  ::simt::fail_allocation_after(0);
  CHECK_THROWS_WITH_AS(DeviceArray<float>(q, 64), "cuda: malloc: out of memory", Error);
  ::simt::take_fault();
}

TEST_CASE("a captured stream runs nothing until its graph is launched") {
  const TestQueue q;
  const DeviceArray<float> y(q, std::vector<float>(4, 1.0f));
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  cudaStreamBeginCapture(q.queue.stream, cudaStreamCaptureModeThreadLocal);
  cudaMemsetAsync(y.data(), 0, 16, q.queue.stream);
  cudaStreamEndCapture(q.queue.stream, &graph);
  CHECK(y.host()[3] == 1.0f);
  cudaGraphInstantiate(&executable, graph, 0);
  cudaGraphLaunch(executable, q.queue.stream);
  CHECK(y.host()[3] == 0.0f);
  cudaGraphExecDestroy(executable);
  cudaGraphDestroy(graph);
}

}  // namespace
}  // namespace thaw::simt_test
