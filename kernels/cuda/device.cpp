// The device itself: whether there is one, the backend on it, its memory and recorded steps.
#include "kernels/cuda/cuda_backend.h"

#include <cublasLt.h>
#include <cudnn.h>

namespace thaw::cuda {
namespace {

int attribute(cudaDeviceAttr name) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, name, 0), "asking the device");
  return value;
}

std::string description_of_device() {
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, 0), "asking the device");
  const std::size_t cudnn = cudnnGetVersion(), lt = cublasLtGetVersion();
  return std::string(properties.name) + ", sm_" + std::to_string(properties.major) +
         std::to_string(properties.minor) + ", " + std::to_string(properties.multiProcessorCount) +
         " multiprocessors, " + std::to_string(properties.totalGlobalMem >> 20) + " MiB, cuDNN " +
         std::to_string(cudnn / 10000) + "." + std::to_string(cudnn / 100 % 100) + "." +
         std::to_string(cudnn % 100) + ", cuBLASLt " + std::to_string(lt / 10000) + "." +
         std::to_string(lt / 100 % 100) + "." + std::to_string(lt % 100);
}

// A CUDA graph. Its blocks of the pool stay its own until it goes away.
class GraphRecording final : public Recording {
 public:
  GraphRecording(const Queue& queue, Pool& pool, int id) : queue_(queue), pool_(pool), id_(id) {}
  ~GraphRecording() override {
    if (executable_) cudaGraphExecDestroy(executable_);
    pool_.release(id_);
  }
  void instantiate(cudaGraph_t graph) {
    const cudaError_t error = cudaGraphInstantiate(&executable_, graph, 0);
    cudaGraphDestroy(graph);
    check(error, "building the graph of a recorded step");
  }
  void replay() override { check(cudaGraphLaunch(executable_, queue_.stream), "replaying a recorded step"); }

 private:
  Queue queue_;
  Pool& pool_;
  int id_;
  cudaGraphExec_t executable_ = nullptr;
};

}  // namespace

CudaBackend::CudaBackend(const BackendOptions& options)
    : description_(description_of_device()),
      queue_{stream_.get(), static_cast<unsigned>(attribute(cudaDevAttrMultiProcessorCount))},
      pool_(queue_, pool_policy()),
      staging_(queue_, copies_.get(), pool_, pool_policy().upload_ring),
      convolutions_(queue_, pool_, options, PlanFile(default_plan_file(), description_)),
      linear_(queue_, pool_, options.tf32) {}

void CudaBackend::refuse_while_recording(const char* what) const {
  if (pool_.recording())
    throw Error(std::string("cuda: ") + what +
                " while a step is recorded; do it before record() or after replay()");
}

void CudaBackend::upload(void* device, const void* host, std::size_t bytes) {
  refuse_while_recording("upload");
  staging_.upload(device, host, bytes);
}

std::shared_ptr<void> CudaBackend::upload_source(std::size_t bytes) {
  void* memory = nullptr;
  check(cudaHostAlloc(&memory, bytes, cudaHostAllocDefault), "page-locked memory");
  return {memory, [](void* locked) { cudaFreeHost(locked); }};
}

void CudaBackend::download(void* host, const void* device, std::size_t bytes) {
  refuse_while_recording("download");
  if (bytes > 0)
    check(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, queue_.stream), "download");
  synchronize();
}

void CudaBackend::copy_bytes(void* to, const void* from, std::size_t bytes) {
  if (bytes > 0)
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, queue_.stream), "copy_bytes");
}

void CudaBackend::zero(void* pointer, std::size_t bytes) {
  if (bytes > 0) check(cudaMemsetAsync(pointer, 0, bytes, queue_.stream), "zero");
}

void CudaBackend::synchronize() {
  refuse_while_recording("synchronize");
  check(cudaStreamSynchronize(queue_.stream), "waiting for the device");
}

std::unique_ptr<Recording> CudaBackend::record(std::function<void()> step) {
  refuse_while_recording("record");
  // Relaxed: a plan that is built for the first time may allocate while the stream captures.
  check(cudaStreamBeginCapture(queue_.stream, cudaStreamCaptureModeRelaxed), "recording a step");
  auto recording = std::make_unique<GraphRecording>(queue_, pool_, pool_.begin_recording());
  cudaGraph_t graph = nullptr;
  try {
    step();
  } catch (...) {
    pool_.end_recording();
    cudaStreamEndCapture(queue_.stream, &graph);
    cudaGetLastError();  // the step's own error is reported
    if (graph) cudaGraphDestroy(graph);
    throw;
  }
  pool_.end_recording();
  check(cudaStreamEndCapture(queue_.stream, &graph), "recording a step");
  recording->instantiate(graph);
  recording->replay();
  return recording;
}

}  // namespace thaw::cuda

namespace thaw {

bool cuda_available(std::string* reason) {
  const auto answer = [&](const std::string& why) {
    if (reason) *reason = why;
    return why.empty();
  };
  int count = 0, major = 0;
  if (const cudaError_t error = cudaGetDeviceCount(&count); error != cudaSuccess) {
    cudaGetLastError();  // reported here
    return answer(std::string("no usable GPU on this machine: ") + cudaGetErrorString(error));
  }
  if (count == 0) return answer("no GPU on this machine");
  if (cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0) != cudaSuccess || major < 8)
    return answer("the GPU is older than compute capability 8.0");
  return answer("");
}

std::unique_ptr<Backend> make_cuda_backend(const BackendOptions& options) {
  if (std::string reason; !cuda_available(&reason))
    throw Error("device cuda: " + reason + "; use --device cpu");
  return std::make_unique<cuda::CudaBackend>(options);
}

}  // namespace thaw
