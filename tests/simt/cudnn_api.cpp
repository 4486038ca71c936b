// The entry points of cuDNN's graph API that Thaw calls, over the fake's descriptors. NVIDIA's header gives
// every prototype.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <string>
#include <utility>

#include "tests/simt/cudnn_fake.h"
#include "tests/simt/cudnn_schema.h"
#include "tests/simt/simt.h"

struct cudnnContext {
  cudaStream_t stream = nullptr;
};

namespace {

using namespace simt::cudnn;

constexpr cudnnStatus_t good = CUDNN_STATUS_SUCCESS, bad = CUDNN_STATUS_BAD_PARAM;
// Descriptors may be made, finalised and destroyed by several threads at once, each by one at a time.
struct Live {
  std::mutex mutex;
  std::map<const void*, std::shared_ptr<Descriptor>> descriptors;
};
Live& live() {
  static auto* all = new Live;  // outlives every object of the program
  return *all;
}

std::shared_ptr<Descriptor> find(const void* handle) {
  const std::lock_guard lock(live().mutex);
  const auto it = live().descriptors.find(handle);
  return it == live().descriptors.end() ? nullptr : it->second;
}

// cuDNN keeps it for each thread.
std::string& last_error() {
  static thread_local std::string text;
  return text;
}

cudnnStatus_t refuse(cudnnStatus_t status, const char* says) {
  last_error() = says;
  return status;
}

// Threads that compile() has to meet.
struct Meeting {
  std::mutex mutex;
  std::condition_variable changed;
  int wanted = 0, inside = 0;
  bool missed = false;
};
Meeting& meeting() {
  static auto* one = new Meeting;
  return *one;
}

const Descriptor& graph_of(const Descriptor& plan) {
  return *plan.descriptor(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG)
              ->descriptor(CUDNN_ATTR_ENGINECFG_ENGINE)
              ->descriptor(CUDNN_ATTR_ENGINE_OPERATION_GRAPH);
}

cudnnStatus_t compile(Descriptor& plan) {
  plan.engine = plan.descriptor(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG)->engine;
  Meeting& m = meeting();
  if (std::unique_lock lock(m.mutex); m.wanted > 0) {
    if (!m.missed && ++m.inside == m.wanted) m.wanted = 0;
    m.changed.notify_all();
    m.missed = m.missed || !m.changed.wait_for(lock, std::chrono::seconds(10), [&] { return m.wanted == 0; });
    if (m.missed) return refuse(CUDNN_STATUS_NOT_SUPPORTED, "compiled alone");
  }
  if (!plan.engine.compiles) return refuse(CUDNN_STATUS_INTERNAL_ERROR_COMPILATION_FAILED, plan.engine.says);
  if (!source_compiles(graph_of(plan)))
    return refuse(CUDNN_STATUS_INTERNAL_ERROR_COMPILATION_FAILED, "compilationResult != NVRTC_SUCCESS");
  const bool handle = plan.attributes.count(CUDNN_ATTR_EXECUTION_PLAN_HANDLE) != 0;
  if (!handle && plan.attributes.count(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP) == 0) return bad;
  return plan.engine.needs_handle && !handle ? refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, plan.engine.says)
                                             : good;
}

std::size_t size_of(cudnnBackendAttributeType_t type) {
  if (type == type_bool || type == CUDNN_TYPE_CHAR) return 1;
  if (type == type_int || type == type_desc || type == type_pointer || type == CUDNN_TYPE_HANDLE) return 8;
  return 4;
}

std::vector<Engine>& offered() {
  static std::vector<Engine> engines = usual_engines();
  return engines;
}

Integers& executed() {
  static Integers numbers;
  return numbers;
}

// The offered engines, their configurations written into the descriptors that the caller made.
cudnnStatus_t give_configurations(const Descriptor& heuristic, std::int64_t wanted, std::int64_t* got,
                                  void* out) {
  const Attribute& graph = heuristic.attributes.at(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
  const auto& nodes = graph.descriptors[0]->attributes.at(CUDNN_ATTR_OPERATIONGRAPH_OPS).descriptors;
  const bool f32 = tensor_of(*node_of(*nodes.front()).output).type == CUDNN_DATA_FLOAT;
  // A bias is the one operand of an addition that has a single pixel.
  const bool more = std::any_of(nodes.begin() + 1, nodes.end(), [](const auto& operation) {
    const Node node = node_of(*operation);
    return node.inputs.size() < 2 ||
           tensor_of(*node.inputs[1]).dims[2] * tensor_of(*node.inputs[1]).dims[3] > 1;
  });
  std::int64_t given = 0;
  for (const Engine& offer : offered()) {
    if (offer.f32_only && !f32) continue;
    if (offer.bias_at_most && more) continue;
    if (wanted == 0 || given < wanted) ++given;
    if (wanted == 0) continue;
    const auto configuration = find(static_cast<void**>(out)[given - 1]);
    if (!configuration || configuration->kind != CUDNN_BACKEND_ENGINECFG_DESCRIPTOR) return bad;
    auto engine = std::make_shared<Descriptor>();
    engine->kind = CUDNN_BACKEND_ENGINE_DESCRIPTOR;
    engine->engine = configuration->engine = offer;
    engine->attributes[CUDNN_ATTR_ENGINE_OPERATION_GRAPH] = graph;
    engine->finalized = configuration->finalized = true;
    configuration->attributes[CUDNN_ATTR_ENGINECFG_ENGINE] = {type_desc, 1, std::vector<char>(8), {engine}};
  }
  *got = given;
  return good;
}

// Into the descriptor that the caller made.
cudnnStatus_t give_engine(const Descriptor& configuration, std::int64_t* got, void* out) {
  const auto to = find(*static_cast<void**>(out));
  if (!configuration.finalized || !to || to->kind != CUDNN_BACKEND_ENGINE_DESCRIPTOR) return bad;
  *to = *configuration.descriptor(CUDNN_ATTR_ENGINECFG_ENGINE);
  *got = 1;
  return good;
}

cudnnStatus_t give_knob(const Descriptor& configuration, std::int64_t wanted, std::int64_t* got, void* out) {
  *got = 1;
  if (wanted < 1) return good;
  const auto knob = find(static_cast<void**>(out)[0]);
  if (!knob || knob->kind != CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR) return bad;
  knob->engine = configuration.engine;
  knob->finalized = true;
  return good;
}

template <class T>
cudnnStatus_t give(T value, std::int64_t* got, void* out) {
  *got = 1;
  std::memcpy(out, &value, sizeof value);
  return good;
}

// Every tensor that reaches memory must have a pointer, aligned, to enough live device memory.
cudnnStatus_t check_pointers(const Descriptor& graph, const std::map<std::int64_t, void*>& pointers) {
  for (const auto& operation : graph.attributes.at(CUDNN_ATTR_OPERATIONGRAPH_OPS).descriptors) {
    const Node node = node_of(*operation);
    std::vector<const Descriptor*> tensors = node.inputs;
    tensors.push_back(node.output);
    for (const Descriptor* tensor : tensors) {
      const Tensor t = tensor_of(*tensor);
      if (t.is_virtual) continue;
      const auto it = pointers.find(t.uid);
      if (it == pointers.end() || !it->second) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
      if (reinterpret_cast<std::uintptr_t>(it->second) % static_cast<std::uintptr_t>(t.alignment) != 0)
        return CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER;
      if (simt::device_range(it->second, static_cast<std::size_t>(extent(t)) * element_size(t.type)))
        continue;
      simt::report_fault("cuDNN: tensor " + std::to_string(t.uid) +
                         " is not inside a live device allocation");
      return CUDNN_STATUS_EXECUTION_FAILED;
    }
  }
  return good;
}

}  // namespace

namespace simt::cudnn {

std::vector<Engine> usual_engines() {
  return {{.number = 5, .compiles = false, .says = "this engine's source does not compile"},
          {.number = 1, .notes = {CUDNN_NUMERICAL_NOTE_TENSOR_CORE}},
          {.number = 2, .notes = {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC}},
          {.number = 3, .notes = {CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS}, .f32_only = true},
          {.number = 4, .f32_only = true, .milliseconds = 2},
          {.number = 6, .milliseconds = 3}};
}

void set_engines(std::vector<Engine> engines) {
  offered() = std::move(engines);
}

Integers take_executed() {
  return std::exchange(executed(), {});
}

void compile_together(int count) {
  const std::lock_guard lock(meeting().mutex);
  meeting().wanted = count;
  meeting().inside = 0;
  meeting().missed = false;
}

}  // namespace simt::cudnn

extern "C" {

size_t CUDNNWINAPI cudnnGetVersion() {
  return CUDNN_VERSION;
}
cudnnStatus_t CUDNNWINAPI cudnnCreate(cudnnHandle_t* handle) {
  *handle = new cudnnContext;
  return good;
}
cudnnStatus_t CUDNNWINAPI cudnnDestroy(cudnnHandle_t handle) {
  delete handle;
  return good;
}
cudnnStatus_t CUDNNWINAPI cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return good;
}
const char* CUDNNWINAPI cudnnGetErrorString(cudnnStatus_t status) {
  switch (status) {
    case CUDNN_STATUS_SUCCESS:
      return "CUDNN_STATUS_SUCCESS";
    case CUDNN_STATUS_BAD_PARAM_NULL_POINTER:
      return "CUDNN_STATUS_BAD_PARAM_NULL_POINTER";
    case CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER:
      return "CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER";
    case CUDNN_STATUS_EXECUTION_FAILED:
      return "CUDNN_STATUS_EXECUTION_FAILED";
    case CUDNN_STATUS_NOT_SUPPORTED:
      return "CUDNN_STATUS_NOT_SUPPORTED";
    case CUDNN_STATUS_INTERNAL_ERROR_COMPILATION_FAILED:
      return "CUDNN_STATUS_INTERNAL_ERROR_COMPILATION_FAILED";
    default:
      return "CUDNN_STATUS_BAD_PARAM";
  }
}
void CUDNNWINAPI cudnnGetLastErrorString(char* message, size_t size) {
  if (size == 0) return;
  message[std::exchange(last_error(), {}).copy(message, size - 1)] = '\0';
}

cudnnStatus_t CUDNNWINAPI cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t kind,
                                                       cudnnBackendDescriptor_t* out) {
  if (!out || schema().count(kind) == 0) return CUDNN_STATUS_NOT_SUPPORTED;
  auto descriptor = std::make_shared<Descriptor>();
  descriptor->kind = kind;
  *out = descriptor.get();
  const std::lock_guard lock(live().mutex);
  live().descriptors[descriptor.get()] = descriptor;
  return good;
}
cudnnStatus_t CUDNNWINAPI cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t handle) {
  const std::lock_guard lock(live().mutex);
  return live().descriptors.erase(handle) != 0 ? good : bad;
}

cudnnStatus_t CUDNNWINAPI cudnnBackendSetAttribute(cudnnBackendDescriptor_t handle,
                                                   cudnnBackendAttributeName_t name,
                                                   cudnnBackendAttributeType_t type, int64_t count,
                                                   const void* values) {
  const auto descriptor = find(handle);
  if (!descriptor || descriptor->finalized || !values || count < 1) return bad;
  const auto& rules = schema().at(descriptor->kind);
  const auto rule = std::find_if(rules.begin(), rules.end(), [&](const Rule& r) { return r.name == name; });
  if (rule == rules.end() || count > rule->most) return bad;
  if (rule->type != type) return CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE;
  Attribute attribute{type, count, std::vector<char>(static_cast<std::size_t>(count) * size_of(type)), {}};
  std::memcpy(attribute.bytes.data(), values, attribute.bytes.size());
  for (std::int64_t i = 0; type == type_desc && i < count; ++i) {
    const auto inner = find(static_cast<void* const*>(values)[i]);
    if (!inner || !inner->finalized) return CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED;
    attribute.descriptors.push_back(inner);
  }
  descriptor->attributes[name] = std::move(attribute);
  return good;
}

cudnnStatus_t CUDNNWINAPI cudnnBackendFinalize(cudnnBackendDescriptor_t handle) {
  const auto descriptor = find(handle);
  if (!descriptor || descriptor->finalized) return bad;
  for (const Rule& rule : schema().at(descriptor->kind))
    if (rule.required && descriptor->attributes.count(rule.name) == 0) return bad;
  cudnnStatus_t status = check_meaning(*descriptor);
  if (status == good && descriptor->kind == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR)
    status = compile(*descriptor);
  descriptor->finalized = status == good;
  return status;
}

cudnnStatus_t CUDNNWINAPI cudnnBackendGetAttribute(cudnnBackendDescriptor_t const handle,
                                                   cudnnBackendAttributeName_t name,
                                                   cudnnBackendAttributeType_t, int64_t wanted, int64_t* got,
                                                   void* out) {
  const auto descriptor = find(handle);
  if (!descriptor) return bad;
  const Engine& engine = descriptor->engine;
  switch (name) {
    case CUDNN_ATTR_ENGINE_NUMERICAL_NOTE:
      *got = static_cast<std::int64_t>(engine.notes.size());
      for (std::int64_t i = 0; i < std::min(wanted, *got); ++i)
        static_cast<cudnnBackendNumericalNote_t*>(out)[i] = engine.notes[static_cast<std::size_t>(i)];
      return good;
    case CUDNN_ATTR_ENGINEHEUR_RESULTS:
      return descriptor->finalized ? give_configurations(*descriptor, wanted, got, out)
                                   : CUDNN_STATUS_NOT_INITIALIZED;
    case CUDNN_ATTR_ENGINECFG_ENGINE:
      return give_engine(*descriptor, got, out);
    case CUDNN_ATTR_ENGINECFG_KNOB_CHOICES:
      return give_knob(*descriptor, wanted, got, out);
    case CUDNN_ATTR_ENGINE_GLOBAL_INDEX:
      return give(engine.number, got, out);
    case CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE:
      return give(CUDNN_KNOB_TYPE_TILE_SIZE, got, out);
    case CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE:
      return give(engine.tile, got, out);
    case CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE:
      return give(engine.workspace_bytes, got, out);
    default:
      return CUDNN_STATUS_NOT_SUPPORTED;
  }
}

cudnnStatus_t CUDNNWINAPI cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan_handle,
                                              cudnnBackendDescriptor_t pack_handle) {
  const auto plan = find(plan_handle), pack = find(pack_handle);
  if (!handle || !plan || !pack || !plan->finalized || !pack->finalized) return bad;
  const Integers uids = pack->integers(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  const Integers addresses = pack->integers(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
  std::map<std::int64_t, void*> pointers;
  for (std::size_t i = 0; i < uids.size(); ++i) pointers[uids[i]] = reinterpret_cast<void*>(addresses[i]);
  auto* workspace = reinterpret_cast<void*>(pack->integer(CUDNN_ATTR_VARIANT_PACK_WORKSPACE));
  const Engine& engine = plan->engine;
  executed().push_back(engine.number);
  if (!engine.executes) return refuse(CUDNN_STATUS_NOT_SUPPORTED, engine.says);
  const auto workspace_bytes = static_cast<std::size_t>(engine.workspace_bytes);
  if (!simt::device_range(workspace, workspace_bytes)) {
    simt::report_fault("cuDNN: the workspace is too small");
    return CUDNN_STATUS_EXECUTION_FAILED;
  }
  const Descriptor* graph = &graph_of(*plan);
  if (const cudnnStatus_t status = check_pointers(*graph, pointers)) return status;
  const bool tf32 =
      std::count(engine.notes.begin(), engine.notes.end(), CUDNN_NUMERICAL_NOTE_TENSOR_CORE) > 0;
  const cudaError_t error = simt::enqueue(handle->stream, [=] {
    std::memset(workspace, 0x7F, workspace_bytes);
    interpret(*graph, pointers, tf32);
    simt::add_device_time(plan->engine.milliseconds);  // the plan also keeps the graph alive in a recording
  });
  return error == cudaSuccess ? good : CUDNN_STATUS_EXECUTION_FAILED;
}

}  // extern "C"
