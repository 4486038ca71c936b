// What the emulator's CUDA runtime does beside running kernels; the faults it must notice are in planted/.
#include <doctest/doctest.h>

#include "tests/simt/device.h"
#include "tests/simt/support.h"

namespace thaw::simt_test {
namespace {

TEST_CASE("an allocation that is made to fail") {
  const TestQueue q;
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
