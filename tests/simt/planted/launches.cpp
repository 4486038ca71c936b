// Launches that a device refuses, and grids that do not reach every element.
#include "tests/simt/planted/fault.h"

namespace thaw::planted {
namespace {

void static_shared_over_limit(float* y) {
  THAW_SHARED(float, tile, [13 * 1024]);
  tile[threadIdx.x] = 1.0f;
  y[threadIdx.x] = tile[threadIdx.x];
}

void shared_sum_over_limit(float* y) {
  THAW_SHARED(float, tile, [1024]);
  THAW_DYNAMIC_SHARED(float, more);
  tile[threadIdx.x] = more[threadIdx.x] = 1.0f;
  y[threadIdx.x] = tile[threadIdx.x];
}

void dynamic_shared_forgotten(float* y) {
  THAW_DYNAMIC_SHARED(float, tile);
  tile[threadIdx.x] = 1.0f;
  y[threadIdx.x] = tile[threadIdx.x];
}

void __launch_bounds__(64) bounded(float* y) {
  y[threadIdx.x] = 1.0f;
}

void one_element(float* y) {
  y[blockIdx.x * blockDim.x + threadIdx.x] = 1.0f;
}

void stride_of_a_block(float* y, int count) {
  for (int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x); i < count;
       i += static_cast<int>(blockDim.x))
    y[i] += 1.0f;
}

void shared_bytes(const char* name, void (*kernel)(float*), std::size_t dynamic) {
  const TestQueue q;
  const DeviceArray<float> y(q, 64);
  cuda::check(::simt::launch_shared(name, kernel, dim3(1), dim3(64), dynamic, q.queue.stream, y.data()),
              "launch");
  q.wait();
}

struct Table {
  float values[1100];
};

void large_table(float* y, Table table) {
  y[threadIdx.x] = table.values[threadIdx.x];
}

void parameters_over_limit() {
  const TestQueue q;
  const DeviceArray<float> y(q, 64);
  run(q, "parameters_over_limit", large_table, 1, 64, y.data(), Table{});
}

void on_grid(const char* name, dim3 grid, dim3 block) {
  const TestQueue q;
  const DeviceArray<float> y(q, 4096);
  cuda::check(::simt::launch(name, one_element, grid, block, q.queue.stream, y.data()), "launch");
  q.wait();
}

void wrong_stride() {
  const TestQueue q;
  const DeviceArray<float> y(q, std::vector<float>(512, 0.0f));
  run(q, "wrong_stride", stride_of_a_block, 2, 64, y.data(), 512);
  expect(y.host(), 1.0f);
}

}  // namespace

std::vector<Fault> launches() {
  constexpr const char *configuration = "invalid configuration", *wrong = "wrong value";
  return {
      {"static_shared_over_limit", "52 KiB of static shared memory",
       [] { fill("static_shared_over_limit", static_shared_over_limit); }, "more than 48 KiB", Where::thread},
      {"shared_sum_over_limit", "46 KiB of dynamic beside 4 KiB of static shared memory",
       [] { shared_bytes("shared_sum_over_limit", shared_sum_over_limit, 46 << 10); }, "more than 48 KiB",
       Where::thread},
      {"dynamic_shared_over_limit", "50 KiB of dynamic shared memory without cudaFuncSetAttribute",
       [] { shared_bytes("dynamic_shared_over_limit", dynamic_shared_forgotten, 50 << 10); },
       "invalid argument"},
      {"dynamic_shared_forgotten", "dynamic shared memory that the launch did not ask for",
       [] { shared_bytes("dynamic_shared_forgotten", dynamic_shared_forgotten, 0); }, "asked for none",
       Where::thread},
      {"parameters_over_limit", "4,408 bytes of kernel parameters", parameters_over_limit,
       "bytes of kernel parameters"},
      {"launch_bounds", "128 threads for a kernel of `__launch_bounds__(64)`",
       [] { fill("launch_bounds", bounded, 1, 128, 128); }, "too many resources"},
      {"too_many_threads", "a block of 1025 threads",
       [] { on_grid("too_many_threads", dim3(1), dim3(1025)); }, configuration},
      {"block_too_deep", "a block of 65 layers", [] { on_grid("block_too_deep", dim3(1), dim3(1, 1, 65)); },
       configuration},
      {"grid_too_high", "65536 blocks along y", [] { on_grid("grid_too_high", dim3(1, 65536), dim3(1)); },
       configuration},
      {"empty_grid", "a grid of no blocks", [] { on_grid("empty_grid", dim3(0), dim3(64)); }, configuration},
      {"skipped_tail", "the grid is the quotient, and the remainder is left out",
       [] { fill("skipped_tail", one_element, 200 / 64, 64, 200); }, wrong},
      {"missing_stride", "one element per thread under a grid that is capped",
       [] { fill("missing_stride", one_element, 8, 64, 1024); }, wrong},
      {"wrong_stride", "a stride of one block where the grid has two", wrong_stride, wrong, Where::host,
       plain | asan},
  };
}

}  // namespace thaw::planted
