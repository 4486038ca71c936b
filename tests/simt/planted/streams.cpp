// Work in the wrong order or on the wrong stream, and what may not be captured.
#include "kernels/cuda/memory.h"
#include "tests/simt/planted/fault.h"

namespace thaw::planted {
namespace {

void copy_elements(float* y, const float* x) {
  y[threadIdx.x] = x[threadIdx.x];
}

void set_elements(float* y, float value) {
  y[threadIdx.x] = value;
}

constexpr std::size_t bytes = 64 * sizeof(float);

// Page-locked memory that holds ones.
class Pinned {
 public:
  Pinned() {
    void* memory = nullptr;
    cuda::check(cudaHostAlloc(&memory, bytes, cudaHostAllocDefault), "host memory");
    data = static_cast<float*>(memory);
    std::fill_n(data, 64, 1.0f);
  }
  ~Pinned() { cudaFreeHost(data); }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
  std::vector<float> values() const { return {data, data + 64}; }

  float* data;
};

// An upload on one stream, and a kernel that needs it on another.
void two_streams(const char* name, bool early_event) {
  const TestQueue kernels, copies;
  const DeviceArray<float> x(kernels, 64), y(kernels, 64);
  const Pinned source;
  ::simt::set_streams(::simt::Streams::lazy);
  cudaEvent_t event = nullptr;
  cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
  if (early_event) cudaEventRecord(event, copies.queue.stream);
  cudaMemcpyAsync(x.data(), source.data, bytes, cudaMemcpyHostToDevice, copies.queue.stream);
  if (early_event) cudaStreamWaitEvent(kernels.queue.stream, event, 0);
  run(kernels, name, copy_elements, 1, 64, y.data(), static_cast<const float*>(x.data()));
  expect(y.host(), 1.0f);
}

cudaGraphExec_t end_capture(const TestQueue& q) {
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  cuda::check(cudaStreamEndCapture(q.queue.stream, &graph), "capture");
  cuda::check(cudaGraphInstantiate(&executable, graph, 0), "graph");
  return executable;
}

// The copy stream brings the next batch into the input of a step that has only been queued.
void copy_overtakes_step() {
  const TestQueue kernels, copies;
  const DeviceArray<float> x(kernels, std::vector<float>(64, 1.0f)), y(kernels, 64);
  const Pinned next;
  std::fill_n(next.data, 64, 2.0f);
  ::simt::set_streams(::simt::Streams::lazy);
  cudaStreamBeginCapture(kernels.queue.stream, cudaStreamCaptureModeThreadLocal);
  cuda::check(::simt::launch("copy_overtakes_step", copy_elements, dim3(1), dim3(64), kernels.queue.stream,
                             y.data(), static_cast<const float*>(x.data())),
              "launch");
  cudaGraphExec_t step = end_capture(kernels);
  cudaGraphLaunch(step, kernels.queue.stream);
  cudaMemcpyAsync(x.data(), next.data, bytes, cudaMemcpyHostToDevice, copies.queue.stream);
  copies.wait();  // the host wants its page-locked memory back
  expect(y.host(), 1.0f);
}

// A block goes back to the pool of the kernels' stream while a copy on another stream still writes to it.
void block_reused_on_two_streams() {
  const TestQueue kernels, copies;
  cuda::Pool pool(kernels.queue, cuda::pool_policy());
  const Pinned source;
  ::simt::set_streams(::simt::Streams::lazy);
  void* input = pool.allocate(bytes);
  cudaMemcpyAsync(input, source.data, bytes, cudaMemcpyHostToDevice, copies.queue.stream);
  pool.deallocate(input);
  auto* const y = static_cast<float*>(pool.allocate(bytes));
  run(kernels, "block_reused_on_two_streams", set_elements, 1, 64, y, 3.0f);
  copies.wait();
  std::vector<float> result(64);
  cudaMemcpyAsync(result.data(), y, bytes, cudaMemcpyDeviceToHost, kernels.queue.stream);
  kernels.wait();
  expect(result, 3.0f);
}

void missing_wait_on_host() {
  const TestQueue q;
  const DeviceArray<float> y(q, std::vector<float>(64, 1.0f));
  const Pinned result;
  std::fill_n(result.data, 64, 0.0f);
  ::simt::set_streams(::simt::Streams::lazy);
  cudaMemcpyAsync(result.data, y.data(), bytes, cudaMemcpyDeviceToHost, q.queue.stream);
  expect(result.values(), 1.0f);
}

void wait_for_another_stream() {
  const TestQueue q, other;
  const DeviceArray<float> y(q, std::vector<float>(64, 1.0f));
  const Pinned result;
  std::fill_n(result.data, 64, 0.0f);
  ::simt::set_streams(::simt::Streams::lazy);
  cudaMemcpyAsync(result.data, y.data(), bytes, cudaMemcpyDeviceToHost, q.queue.stream);
  other.wait();
  expect(result.values(), 1.0f);
}

void source_reused_too_early() {
  const TestQueue q;
  const DeviceArray<float> y(q, 64);
  const Pinned source;
  ::simt::set_streams(::simt::Streams::lazy);
  cudaMemcpyAsync(y.data(), source.data, bytes, cudaMemcpyHostToDevice, q.queue.stream);
  std::fill_n(source.data, 64, 2.0f);
  expect(y.host(), 1.0f);
}

void pageable_freed_as_pinned() {
  std::vector<float> values(64);
  cuda::check(cudaFreeHost(values.data()), "free");
}

void kernel_on_default_stream() {
  const TestQueue q;
  const DeviceArray<float> y(q, 64);
  cuda::check(
      ::simt::launch("kernel_on_default_stream", set_elements, dim3(1), dim3(64), nullptr, y.data(), 1.0f),
      "launch");
}

void copy_on_default_stream() {
  const TestQueue q;
  const DeviceArray<float> y(q, 64);
  const std::vector<float> x(64, 1.0f);
  cuda::check(cudaMemcpy(y.data(), x.data(), bytes, cudaMemcpyHostToDevice), "copy");
}

void blocking_stream() {
  cudaStream_t stream = nullptr;
  cuda::check(cudaStreamCreate(&stream), "stream");
}

void destroyed_stream() {
  cudaStream_t stream = nullptr;
  cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
  cudaStreamDestroy(stream);
  cuda::check(cudaStreamSynchronize(stream), "wait");
}

void wait_in_capture() {
  const TestQueue q;
  cudaStreamBeginCapture(q.queue.stream, cudaStreamCaptureModeThreadLocal);
  cuda::check(cudaStreamSynchronize(q.queue.stream), "waiting in a capture");
}

void malloc_in_capture() {
  const TestQueue q;
  cudaStreamBeginCapture(q.queue.stream, cudaStreamCaptureModeGlobal);
  void* memory = nullptr;
  cuda::check(cudaMalloc(&memory, 64), "cudaMalloc in a capture");
}

void free_in_capture() {
  const TestQueue q;
  void* memory = nullptr;
  cudaMalloc(&memory, 64);
  cudaStreamBeginCapture(q.queue.stream, cudaStreamCaptureModeGlobal);
  cudaFree(memory);
  end_capture(q);
}

void capture_twice() {
  const TestQueue q;
  cudaStreamBeginCapture(q.queue.stream, cudaStreamCaptureModeThreadLocal);
  cuda::check(cudaStreamBeginCapture(q.queue.stream, cudaStreamCaptureModeThreadLocal), "a second capture");
}

void end_without_capture() {
  const TestQueue q;
  cudaGraph_t graph = nullptr;
  cuda::check(cudaStreamEndCapture(q.queue.stream, &graph), "the end of no capture");
}

void read_in_capture() {
  const TestQueue q;
  const DeviceArray<float> y(q, std::vector<float>(64, 1.0f));
  const Pinned result;
  std::fill_n(result.data, 64, 0.0f);
  cudaStreamBeginCapture(q.queue.stream, cudaStreamCaptureModeThreadLocal);
  cudaMemcpyAsync(result.data, y.data(), bytes, cudaMemcpyDeviceToHost, q.queue.stream);
  expect(result.values(), 1.0f);
}

void value_frozen_in_graph() {
  const TestQueue q;
  const DeviceArray<float> y(q, 64);
  float learning_rate = 0.5f;
  cudaStreamBeginCapture(q.queue.stream, cudaStreamCaptureModeThreadLocal);
  cuda::check(::simt::launch("value_frozen_in_graph", set_elements, dim3(1), dim3(64), q.queue.stream,
                             y.data(), learning_rate),
              "launch");
  cudaGraphExec_t step = end_capture(q);
  learning_rate = 1.0f;
  cudaGraphLaunch(step, q.queue.stream);
  expect(y.host(), learning_rate);
}

void graph_over_freed_memory() {
  const TestQueue q;
  cudaGraphExec_t step = nullptr;
  {
    const DeviceArray<float> y(q, 64);
    cudaStreamBeginCapture(q.queue.stream, cudaStreamCaptureModeThreadLocal);
    cudaMemsetAsync(y.data(), 0, bytes, q.queue.stream);
    step = end_capture(q);
  }
  cudaGraphLaunch(step, q.queue.stream);
  q.wait();
}

void other_stream_in_capture() {
  const TestQueue q, other;
  const DeviceArray<float> y(q, 64);
  cudaEvent_t event = nullptr;
  cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
  cudaEventRecord(event, other.queue.stream);
  cudaStreamBeginCapture(q.queue.stream, cudaStreamCaptureModeThreadLocal);
  cudaStreamWaitEvent(q.queue.stream, event, 0);
  cuda::check(cudaMemsetAsync(y.data(), 0, bytes, q.queue.stream), "memset");
}

}  // namespace

std::vector<Fault> streams_and_capture() {
  constexpr const char* wrong = "wrong value";
  return {
      {"missing_event_wait", "a kernel does not wait for another stream's upload",
       [] { two_streams("missing_event_wait", false); }, wrong},
      {"event_before_its_work", "the event is recorded before the upload that it stands for",
       [] { two_streams("event_before_its_work", true); }, wrong},
      {"copy_overtakes_step", "a copy stream writes the next batch before the replayed step has read its own",
       copy_overtakes_step, wrong},
      {"block_reused_on_two_streams", "the pool hands out a block that a copy stream still writes to",
       block_reused_on_two_streams, wrong},
      {"missing_wait_on_host", "the host reads a result without waiting", missing_wait_on_host, wrong},
      {"wait_for_another_stream", "the host waits for another stream than the copy's",
       wait_for_another_stream, wrong},
      {"source_reused_too_early", "pinned memory is written anew before its copy is done",
       source_reused_too_early, wrong},
      {"pageable_freed_as_pinned", "cudaFreeHost of ordinary memory", pageable_freed_as_pinned,
       "what cudaHostAlloc did not give"},
      {"kernel_on_default_stream", "a kernel on the default stream", kernel_on_default_stream,
       "default stream"},
      {"copy_on_default_stream", "cudaMemcpy", copy_on_default_stream, "default stream"},
      {"blocking_stream", "a stream that waits for the default stream", blocking_stream, "default stream"},
      {"destroyed_stream", "work on a stream that has been destroyed", destroyed_stream,
       "has been destroyed"},
      {"wait_in_capture", "a wait for a stream that is being captured", wait_in_capture,
       "waiting in a capture"},
      {"malloc_in_capture", "cudaMalloc during a capture that is not relaxed", malloc_in_capture,
       "cudaMalloc in a capture: operation not permitted"},
      {"free_in_capture", "cudaFree during a capture that is not relaxed", free_in_capture,
       "previous error during capture"},
      {"capture_twice", "a second capture of one stream", capture_twice, "a second capture"},
      {"end_without_capture", "the end of a capture that never began", end_without_capture,
       "the end of no capture"},
      {"read_in_capture", "a result is read while the step is only recorded", read_in_capture, wrong},
      {"value_frozen_in_graph", "what changes between steps is a kernel's parameter in a graph",
       value_frozen_in_graph, wrong},
      {"graph_over_freed_memory", "a graph works on memory that has been freed since",
       graph_over_freed_memory, "leaves a live device allocation"},
      {"other_stream_in_capture", "a captured stream waits for an event outside the capture",
       other_stream_in_capture, "captured stream waits"},
  };
}

}  // namespace thaw::planted
