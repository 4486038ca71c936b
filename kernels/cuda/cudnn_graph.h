// A thin layer over cuDNN's graph API (cudnn_backend.h): descriptors that own themselves, and builders of the
// few nodes that Thaw's convolutions are made of. Every refusal of cuDNN becomes an Error that names the
// node.
#pragma once

#include <cudnn.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kernels/ops/conv2d.h"

namespace thaw::cuda {

// The status by name, and what cuDNN last said in this thread, which it then forgets.
std::string reason_of(cudnnStatus_t status);
void check(cudnnStatus_t status, const std::string& what);

// Owns one descriptor. Attributes are set before finalize(), which checks them.
class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t kind);
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }

  cudnnBackendDescriptor_t get() const { return handle_; }
  void finalize(const char* what);
  cudnnStatus_t try_finalize() { return cudnnBackendFinalize(handle_); }

  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::int64_t count,
           const void* values);
  void set(cudnnBackendAttributeName_t name, std::int64_t value) { set(name, CUDNN_TYPE_INT64, 1, &value); }
  void set(cudnnBackendAttributeName_t name, const std::vector<std::int64_t>& values) {
    set(name, CUDNN_TYPE_INT64, static_cast<std::int64_t>(values.size()), values.data());
  }
  void set(cudnnBackendAttributeName_t name, cudnnDataType_t value) {
    set(name, CUDNN_TYPE_DATA_TYPE, 1, &value);
  }
  void set(cudnnBackendAttributeName_t name, const Descriptor& value) {
    set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value.handle_);
  }

 private:
  cudnnBackendDescriptor_t handle_ = nullptr;
};

// Logical [N,C,H,W] (weights [K,C/groups,R,S]) with strides in elements; `uid` names it in the variant pack.
struct GraphTensor {
  std::int64_t uid = 0;
  std::array<std::int64_t, 4> dims{}, strides{};
  DType type = DType::f32;
  bool is_virtual = false;  // an intermediate result that never reaches memory
  std::int64_t alignment = 16;
};

GraphTensor graph_tensor(std::int64_t uid, const ConstView& view);
GraphTensor graph_weights(std::int64_t uid, const Conv2dSpec& spec, DType type);  // KRSC
GraphTensor graph_bias(std::int64_t uid, std::int64_t channels);                  // f32 [1,C,1,1]
GraphTensor virtual_like(std::int64_t uid, const GraphTensor& tensor);            // f32, packed NHWC

enum class ConvolutionKind : std::int64_t { forward, data_gradient, weight_gradient };

// An operation graph, finalised.
struct Graph {
  Descriptor descriptor;
  bool sums = false;  // over pixels: cuDNN's engines add them with atomics and have no note that says so
};

// A graph under construction: nodes refer to tensors by their descriptors.
class GraphBuilder {
 public:
  // x, w, y are the tensors of the forward convolution; the kind says which one is computed from the other
  // two. That is ASSIGNED or ADDED to as `into` says.
  void convolution(ConvolutionKind kind, const Conv2dSpec& spec, const GraphTensor& x, const GraphTensor& w,
                   const GraphTensor& y, Into into = Into::assign);
  void add(const GraphTensor& a, const GraphTensor& b, const GraphTensor& sum);
  void relu(const GraphTensor& x, const GraphTensor& y);
  void sum(const GraphTensor& x, const GraphTensor& y);  // y [1,C,1,1] f32, over pixels
  // Throws Error on a strided data gradient with two sums or more: cuDNN 9.19 proposes engines for it whose
  // source does not compile (docs/cuda.md).
  Graph finish();

 private:
  cudnnBackendDescriptor_t tensor(const GraphTensor& t);
  Descriptor& pointwise(cudnnPointwiseMode_t mode, const GraphTensor& x, const GraphTensor& y);

  std::vector<std::pair<std::int64_t, Descriptor>> tensors_;
  std::vector<Descriptor> functions_, nodes_;
  int sums_ = 0;
  bool strided_gradient_ = false;
};

// What engines are chosen for: a real device by its handle, or one described in JSON (no GPU needed, no
// execution).
struct Device {
  Descriptor properties;
  cudnnHandle_t handle = nullptr;  // null: described
};
Device device_of(cudnnHandle_t handle);
Device device_described(const std::string& json);

// Which engines may be used.
struct EngineLimits {
  bool tensor_cores = true;
  bool down_conversion = true;  // of the inputs, to a type that is not ours to choose
  bool deterministic = true;
};

// f32 keeps off tensor cores, which would round its inputs to TF32, unless `tf32` allows it.
EngineLimits limits_for(DType type, bool tf32);

// Engine configurations that cuDNN proposes for the graph and that keep the limits, best first. Its fallbacks
// come last, and may be proposals that came before. `refusal` (null: not wanted) gets why cuDNN proposes
// none, or why the limits leave none.
std::vector<Descriptor> engine_configurations(const Graph& graph, const Device& device, EngineLimits limits,
                                              std::string* refusal = nullptr);

// Names a configuration by its engine's number and its knobs, "34 2=1 5=0"; one version of cuDNN gives it in
// every run.
std::string tag_of(const Descriptor& configuration);

// The tensors that reach memory, by the names that they have in the graph.
struct Arguments {
  std::vector<std::int64_t> uids;
  std::vector<const void*> pointers;
  std::size_t added_bytes = 0;  // where the graph adds to the first of them: its size
};

// A graph compiled for a device.
class Plan {
 public:
  // Nothing where the engine refuses what its heuristic proposed; `refusal` (null: not wanted) gets why. A
  // plan is made from the device's properties, and where cuDNN refuses that, from its handle.
  static std::optional<Plan> compile(const Descriptor& configuration, const Device& device,
                                     std::string* refusal = nullptr);
  // The same for several at once, on several threads, since some engines are compiled for seconds. Answers,
  // and the refusal that `refusal` keeps, the last one, are in the order of the configurations.
  static std::vector<std::optional<Plan>> compile_all(const std::vector<const Descriptor*>& configurations,
                                                      const Device& device, std::string* refusal = nullptr);
  std::int64_t workspace_bytes() const { return workspace_; }
  cudnnStatus_t execute(cudnnHandle_t handle, const Arguments& arguments, void* workspace) const;

 private:
  struct Attempt;
  static Attempt attempt(const Descriptor& configuration, const Device& device, bool by_handle);
  static std::optional<Plan> settle(Attempt attempt, const Descriptor& configuration, const Device& device,
                                    std::string* refusal);
  Plan(Descriptor plan, std::int64_t workspace) : plan_(std::move(plan)), workspace_(workspace) {}
  Descriptor plan_;
  std::int64_t workspace_ = 0;
};

}  // namespace thaw::cuda
