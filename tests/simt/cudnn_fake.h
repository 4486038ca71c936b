// The fake of cuDNN's graph API: descriptors are bags of typed attributes held against a schema; a finalised
// graph is interpreted node by node. It accepts only the nodes that Thaw builds, and is at least as strict as
// cuDNN 9.19.
#pragma once

#include <cudnn.h>

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace simt::cudnn {

using Integers = std::vector<std::int64_t>;

// An engine that the fake offers, with the one value of its one knob.
struct Engine {
  std::int64_t number = 0, tile = 0;
  std::vector<cudnnBackendNumericalNote_t> notes{};
  bool f32_only = false;
  bool bias_at_most = false;              // not offered for a convolution with more after it than a bias
  double milliseconds = 1;                // that a run takes on the device's clock
  std::int64_t workspace_bytes = 1001;    // odd, and wanted, so that it is given
  bool compiles = true, executes = true;  // false: refused there, though proposed
  bool needs_handle = false;              // its plan is refused without the attribute of the handle
  const char* says = "";                  // cuDNN's last error where it refuses
};

// What every heuristic proposes, in this order, to begin with: engines with notes before the one without.
std::vector<Engine> usual_engines();
void set_engines(std::vector<Engine> engines);
// The numbers of the engines that were executed since the last call, in order.
Integers take_executed();
// The next `count` plans compile only while all of them do at once; a plan that waits for ten seconds in vain
// is refused.
void compile_together(int count);

struct Descriptor;

struct Attribute {
  cudnnBackendAttributeType_t type{};
  std::int64_t count = 0;
  std::vector<char> bytes;
  std::vector<std::shared_ptr<Descriptor>> descriptors;
};

struct Descriptor {
  cudnnBackendDescriptorType_t kind{};
  bool finalized = false;
  std::map<int, Attribute> attributes;
  Engine engine;  // of an engine and its configuration

  Integers integers(int name) const;
  std::int64_t integer(int name) const;  // 0 if it is not set; for enumerations and booleans too
  float real(int name, float otherwise) const;
  const Descriptor* descriptor(int name) const;  // null if it is not set
};

struct Tensor {
  cudnnDataType_t type{};
  Integers dims, strides;
  std::int64_t uid = 0, alignment = 0;
  bool is_virtual = false;
};
Tensor tensor_of(const Descriptor& descriptor);

// A node of the graph: x and w are null where it has none.
struct Node {
  enum class Kind { forward, data_gradient, weight_gradient, pointwise, sum } kind{};
  const Descriptor* function = nullptr;  // the convolution or the pointwise operation
  std::vector<const Descriptor*> inputs;
  const Descriptor* output = nullptr;
  const Descriptor *x = nullptr, *w = nullptr, *y = nullptr;  // of a convolution
};
bool is_node(const Descriptor& descriptor);
bool is_convolution(const Node& node);
Node node_of(const Descriptor& descriptor);

// What finalize() demands beyond the schema.
cudnnStatus_t check_meaning(Descriptor& descriptor);

// False where the real library proposes engines for a graph and fails to compile each of them.
bool source_compiles(const Descriptor& graph);

// Runs the nodes over dense float arrays; tensors come from and go to `pointers` by their unique id. `tf32`:
// convolutions round their inputs to 10 bits of mantissa.
void interpret(const Descriptor& graph, const std::map<std::int64_t, void*>& pointers, bool tf32);

std::size_t element_size(cudnnDataType_t type);
std::int64_t extent(const Tensor& tensor);  // elements from the first to the last, strides included

}  // namespace simt::cudnn
