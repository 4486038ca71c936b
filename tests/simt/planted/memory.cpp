// Memory that a kernel or the host must not touch, or has not written.
#include <cstdlib>

#include "kernels/cuda/memory.h"
#include "kernels/cuda/vector.h"
#include "tests/simt/planted/fault.h"

namespace thaw::planted {
namespace {

void write_past_end(float* y) {
  y[threadIdx.x] = 1.0f;
}

void write_before_start(float* y) {
  y[static_cast<int>(threadIdx.x) - 1] = 1.0f;
}

void write_far(float* y) {
  y[threadIdx.x << 20] = 1.0f;
}

void copy_elements(float* y, const float* x) {
  y[threadIdx.x] = x[threadIdx.x];
}

void read_past_end() {
  const TestQueue q;
  const DeviceArray<float> y(q, 64), x(q, std::vector<float>(63, 1.0f));
  run(q, "read_past_end", copy_elements, 1, 64, y.data(), static_cast<const float*>(x.data()));
  expect(y.host(), 1.0f);
}

// Of a block of the backend's pool, under the device's policy and THAW_POOL.
void pool_read_past_end() {
  setenv("THAW_POOL", "passthrough", 1);
  const TestQueue q;
  const DeviceArray<float> y(q, 64);
  cuda::Pool pool(q.queue, cuda::chosen_pool_policy(cuda::device_pool_policy()));
  const void* x = pool.allocate(63 * sizeof(float));
  run(q, "pool_read_past_end", copy_elements, 1, 64, y.data(), static_cast<const float*>(x));
}

void read_far(float* y) {
  y[threadIdx.x] = y[threadIdx.x << 20];
}

void shared_write_past_end(float* y) {
  THAW_SHARED(float, tile, [63]);
  static_cast<float*>(tile)[threadIdx.x] = 1.0f;
  y[threadIdx.x] = 1.0f;
}

void shared_read_past_end(float* y) {
  THAW_SHARED(float, tile, [64]);
  tile[threadIdx.x] = 1.0f;
  __syncthreads();
  y[threadIdx.x] = static_cast<float*>(tile)[threadIdx.x + 1];
}

void unwritten_output(float* y) {
  if (threadIdx.x != 17) y[threadIdx.x] = 1.0f;
}

void add_to_output(float* y) {
  y[threadIdx.x] += 1.0f;
}

void unwritten_shared(float* y) {
  THAW_SHARED(float, sums, [64]);
  sums[threadIdx.x] += 1.0f;
  y[threadIdx.x] = sums[threadIdx.x];
}

void use_after_free() {
  const TestQueue q;
  const DeviceArray<float> y(q, 64);
  const float* freed = DeviceArray<float>(q, std::vector<float>(64, 1.0f)).data();
  run(q, "use_after_free", copy_elements, 1, 64, y.data(), freed);
}

void double_free() {
  void* memory = nullptr;
  cudaMalloc(&memory, 64);
  cudaFree(memory);
  cuda::check(cudaFree(memory), "free");
}

void free_inside() {
  void* memory = nullptr;
  cudaMalloc(&memory, 64);
  cuda::check(cudaFree(static_cast<char*>(memory) + 16), "free");
}

void null_pointer() {
  const TestQueue q;
  run(q, "null_pointer", write_past_end, 1, 64, static_cast<float*>(nullptr));
}

void read_on_host() {
  const TestQueue q;
  const DeviceArray<float> y(q, std::vector<float>(64, 1.0f));
  ::simt::set_protect(true);
  expect({y.data()[0]}, 1.0f);
}

void misaligned_vector(float* y) {
  cuda::store<4>(y + 1 + threadIdx.x % 8 * 4, cuda::Vector<float, 4>{});
}

// Blocks of a grid over 2^31 + 64 values; as an int, the last block's indices are negative.
void index_of_32_bits(float* y) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  y[i] = 1.0f;
}

void run_index_of_32_bits() {
  constexpr std::size_t elements = (std::size_t{1} << 31) + 64;
  const TestQueue q;
  void* y = nullptr;
  cuda::check(::simt::allocate_virtual(&y, elements * sizeof(float)), "malloc");
  ::simt::set_block_window(elements / 64 - 1, 1);
  run(q, "index_of_32_bits", index_of_32_bits, elements / 64, 64, static_cast<float*>(y));
}

void copy_too_large() {
  const TestQueue q;
  const DeviceArray<float> y(q, 64);
  const std::vector<float> x(65);
  cudaMemcpyAsync(y.data(), x.data(), 65 * sizeof(float), cudaMemcpyHostToDevice, q.queue.stream);
  q.wait();
}

void copy_too_small() {
  const TestQueue q;
  const DeviceArray<float> y(q, 64);
  const std::vector<float> x(64, 1.0f);
  cudaMemcpyAsync(y.data(), x.data(), 64, cudaMemcpyHostToDevice, q.queue.stream);
  expect(y.host(), 1.0f);
}

void copy_direction() {
  const TestQueue q;
  const DeviceArray<float> y(q, 64);
  std::vector<float> x(64);
  cuda::check(cudaMemcpyAsync(x.data(), y.data(), 256, cudaMemcpyHostToDevice, q.queue.stream), "copy");
}

void memset_too_large() {
  const TestQueue q;
  const DeviceArray<float> y(q, 64);
  cudaMemsetAsync(y.data(), 0, 65 * sizeof(float), q.queue.stream);
  q.wait();
}

}  // namespace

std::vector<Fault> memory_accesses() {
  constexpr const char *poison = "AddressSanitizer", *wrong = "wrong value";
  constexpr unsigned no_asan = plain | tsan;
  return {
      {"write_past_end", "a write one element past an array in device memory",
       [] { fill("write_past_end", write_past_end, 1, 64, 63); }, "write past the end", Where::host, no_asan},
      {"write_past_end_line", "the same", [] { fill("write_past_end_line", write_past_end, 1, 64, 63); },
       poison, Where::line, asan},
      {"write_before_start", "a write one element before an array",
       [] { fill("write_before_start", write_before_start); }, "write before", Where::host, no_asan},
      {"write_before_start_line", "the same", [] { fill("write_before_start_line", write_before_start); },
       poison, Where::line, asan},
      {"write_far", "a write megabytes past an array", [] { fill("write_far", write_far); },
       "past the end of a device allocation", Where::line, plain},
      {"read_far", "a read megabytes past an array", [] { fill("read_far", read_far); },
       "past the end of a device allocation", Where::line, plain},
      {"read_past_end", "a read one element past an array", read_past_end, poison, Where::line, asan},
      {"pool_read_past_end", "a read one element past a block of the pool, with `THAW_POOL=passthrough`",
       pool_read_past_end, poison, Where::line, asan},
      {"shared_write_past_end", "a write one element past a shared array",
       [] { fill("shared_write_past_end", shared_write_past_end); }, "write outside a shared array",
       Where::thread, every, poison},
      {"shared_read_past_end", "a read one element past a shared array",
       [] { fill("shared_read_past_end", shared_read_past_end); }, wrong, Where::host, every, poison},
      {"unwritten_output", "an element of the output that no thread writes",
       [] { fill("unwritten_output", unwritten_output); }, wrong},
      {"add_to_output", "an output that should be assigned is added to",
       [] { fill("add_to_output", add_to_output); }, wrong},
      {"unwritten_shared", "shared memory is taken for zero",
       [] { fill("unwritten_shared", unwritten_shared); }, wrong},
      {"use_after_free", "a kernel reads memory that has been freed", use_after_free, "invalid access",
       Where::line, plain},
      {"double_free", "cudaFree twice", double_free, "not the start of a live allocation"},
      {"free_inside", "cudaFree of a pointer into an allocation", free_inside,
       "not the start of a live allocation"},
      {"null_pointer", "a kernel writes through a null pointer", null_pointer, "invalid access", Where::line,
       plain},
      {"read_on_host", "the host reads device memory", read_on_host, "", Where::host,
       plain},  // the process dies
      {"misaligned_vector", "a vector store that is not aligned to its size",
       [] { fill("misaligned_vector", misaligned_vector); }, "misaligned access of 16 bytes", Where::thread},
      {"index_of_32_bits", "an index of 32 bits over more than 2^31 elements", run_index_of_32_bits,
       "invalid access", Where::line, plain},
      {"copy_too_large", "a copy larger than its destination", copy_too_large,
       "leaves a live device allocation"},
      {"copy_too_small", "a copy of elements where bytes are meant", copy_too_small, wrong},
      {"copy_direction", "a copy whose kind is the wrong way round", copy_direction,
       "not where its kind says"},
      {"memset_too_large", "a memset larger than its array", memset_too_large,
       "leaves a live device allocation"},
  };
}

}  // namespace thaw::planted
