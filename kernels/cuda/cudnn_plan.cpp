// From an operation graph to something that runs: devices, engine configurations, plans, execution.
#include <algorithm>
#include <atomic>
#include <thread>

#include "kernels/cuda/cudnn_graph.h"
#include "kernels/error.h"

namespace thaw::cuda {
namespace {

Descriptor engine_of(const Descriptor& configuration) {
  Descriptor engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  cudnnBackendDescriptor_t handle = engine.get();
  std::int64_t count = 0;
  check(cudnnBackendGetAttribute(configuration.get(), CUDNN_ATTR_ENGINECFG_ENGINE,
                                 CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &handle),
        "reading a configuration's engine");
  return engine;
}

std::int64_t integer(const Descriptor& descriptor, cudnnBackendAttributeName_t name, const char* what,
                     cudnnBackendAttributeType_t type = CUDNN_TYPE_INT64) {
  std::int64_t value = 0, count = 0;  // little-endian: smaller types fill the low bytes
  check(cudnnBackendGetAttribute(descriptor.get(), name, type, 1, &count, &value), what);
  return value;
}

bool keeps_limits(const Descriptor& configuration, EngineLimits limits) {
  const Descriptor engine = engine_of(configuration);
  std::int64_t count = 0;
  std::array<cudnnBackendNumericalNote_t, CUDNN_NUMERICAL_NOTE_TYPE_COUNT> notes{};
  check(cudnnBackendGetAttribute(engine.get(), CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                                 notes.size(), &count, notes.data()),
        "reading an engine's numerical notes");
  for (std::int64_t i = 0; i < count; ++i) {
    const auto note = notes[static_cast<std::size_t>(i)];
    if (note == CUDNN_NUMERICAL_NOTE_TENSOR_CORE && !limits.tensor_cores) return false;
    if (note == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS && !limits.down_conversion) return false;
    if (note == CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC && limits.deterministic) return false;
  }
  return true;
}

Descriptor heuristics(const Graph& graph, const Device& device, cudnnBackendHeurMode_t mode) {
  Descriptor d(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  d.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph.descriptor);
  d.set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
  d.set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, device.properties);
  return d;
}

void tell(std::string* refusal, std::string why) {
  if (refusal != nullptr) *refusal = std::move(why);
}

}  // namespace

Device device_of(cudnnHandle_t handle) {
  Descriptor device(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  device.set(CUDNN_ATTR_DEVICEPROP_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
  device.finalize("device properties");
  return {std::move(device), handle};
}

Device device_described(const std::string& json) {
  Descriptor device(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  device.set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
             static_cast<std::int64_t>(json.size()), json.data());
  device.finalize("device description");
  return {std::move(device), nullptr};
}

std::vector<Descriptor> engine_configurations(const Graph& graph, const Device& device, EngineLimits limits,
                                              std::string* refusal) {
  std::vector<Descriptor> kept;
  if (graph.sums && limits.deterministic) {
    tell(refusal, "sums within a graph are added with atomics, in another order in every run");
    return kept;
  }
  for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
    Descriptor heuristic = heuristics(graph, device, mode);
    if (const cudnnStatus_t status = heuristic.try_finalize(); status != CUDNN_STATUS_SUCCESS) {
      tell(refusal, reason_of(status));  // this mode knows no engine for the graph
      continue;
    }
    std::int64_t count = 0;
    check(cudnnBackendGetAttribute(heuristic.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                   CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &count, nullptr),
          "counting engine configurations");
    std::vector<Descriptor> configurations;
    std::vector<cudnnBackendDescriptor_t> handles;
    for (std::int64_t i = 0; i < count; ++i) {
      configurations.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
      handles.push_back(configurations.back().get());
    }
    if (count == 0) continue;
    check(cudnnBackendGetAttribute(heuristic.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                   CUDNN_TYPE_BACKEND_DESCRIPTOR, count, &count, handles.data()),
          "reading engine configurations");
    for (std::int64_t i = 0; i < count; ++i) {
      Descriptor& configuration = configurations[static_cast<std::size_t>(i)];
      if (keeps_limits(configuration, limits)) kept.push_back(std::move(configuration));
    }
  }
  return kept;
}

EngineLimits limits_for(DType type, bool tf32) {
  return {.tensor_cores = type != DType::f32 || tf32,
          .down_conversion = type != DType::f32,
          .deterministic = true};
}

std::string tag_of(const Descriptor& configuration) {
  const Descriptor engine = engine_of(configuration);
  std::string tag =
      std::to_string(integer(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, "reading an engine's number"));
  std::vector<Descriptor> knobs;
  std::vector<cudnnBackendDescriptor_t> handles;
  for (int i = 0; i < CUDNN_KNOB_TYPE_COUNTS; ++i) {
    knobs.emplace_back(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR);
    handles.push_back(knobs.back().get());
  }
  std::int64_t count = 0;
  check(
      cudnnBackendGetAttribute(configuration.get(), CUDNN_ATTR_ENGINECFG_KNOB_CHOICES,
                               CUDNN_TYPE_BACKEND_DESCRIPTOR, CUDNN_KNOB_TYPE_COUNTS, &count, handles.data()),
      "reading a configuration's knobs");
  for (std::int64_t i = 0; i < count; ++i) {
    const Descriptor& knob = knobs[static_cast<std::size_t>(i)];
    tag += ' ' + std::to_string(integer(knob, CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, "reading a knob's type",
                                        CUDNN_TYPE_KNOB_TYPE));
    tag += '=' + std::to_string(integer(knob, CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, "reading a knob's value"));
  }
  return tag;
}

struct Plan::Attempt {
  std::optional<Descriptor> plan;
  cudnnStatus_t status = CUDNN_STATUS_SUCCESS;
  std::string refusal;
};

Plan::Attempt Plan::attempt(const Descriptor& configuration, const Device& device, bool by_handle) {
  Descriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
  if (by_handle)
    plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &device.handle);
  else
    plan.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, device.properties);
  const cudnnStatus_t status = plan.try_finalize();
  if (status != CUDNN_STATUS_SUCCESS) return {std::nullopt, status, reason_of(status)};
  return {std::move(plan), status, ""};
}

// Kernels that did not compile do not compile by the handle either.
std::optional<Plan> Plan::settle(Attempt first, const Descriptor& configuration, const Device& device,
                                 std::string* refusal) {
  if (!first.plan && device.handle && first.status != CUDNN_STATUS_INTERNAL_ERROR_COMPILATION_FAILED) {
    Attempt second = attempt(configuration, device, true);
    if (second.plan)
      first = std::move(second);
    else
      first.refusal += "; by its handle: " + second.refusal;
  }
  if (!first.plan) {
    tell(refusal, "engine " + tag_of(configuration) + ": " + first.refusal);
    return std::nullopt;
  }
  const std::int64_t workspace =
      integer(*first.plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, "reading a plan's workspace size");
  return Plan(std::move(*first.plan), workspace);
}

std::optional<Plan> Plan::compile(const Descriptor& configuration, const Device& device,
                                  std::string* refusal) {
  return settle(attempt(configuration, device, false), configuration, device, refusal);
}

std::vector<std::optional<Plan>> Plan::compile_all(const std::vector<const Descriptor*>& configurations,
                                                   const Device& device, std::string* refusal) {
  const std::size_t count = configurations.size();
  std::vector<Attempt> attempts(count);
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < count; i = next++) try {
        attempts[i] = attempt(*configurations[i], device, false);
      } catch (const Error& error) {
        attempts[i] = {std::nullopt, CUDNN_STATUS_INTERNAL_ERROR, error.what()};
      }
  };
  // The handle is the calling thread's alone, so it is tried afterwards.
  {
    std::vector<std::jthread> helpers;
    const std::size_t threads = std::max(2u, std::thread::hardware_concurrency());
    for (std::size_t i = 1; i < std::min(threads, count); ++i) helpers.emplace_back(work);
    work();
  }
  std::vector<std::optional<Plan>> plans;
  for (std::size_t i = 0; i < count; ++i)
    plans.push_back(settle(std::move(attempts[i]), *configurations[i], device, refusal));
  return plans;
}

cudnnStatus_t Plan::execute(cudnnHandle_t handle, const Arguments& arguments, void* workspace) const {
  Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, arguments.uids);
  pack.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR,
           static_cast<std::int64_t>(arguments.pointers.size()), arguments.pointers.data());
  pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
  pack.finalize("variant pack");
  return cudnnBackendExecute(handle, plan_.get(), pack.get());
}

}  // namespace thaw::cuda
