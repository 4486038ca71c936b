#include "tests/simt/deviceless/engines.h"

#include <algorithm>
#include <array>

namespace thaw::deviceless {
namespace {

using cuda::Descriptor;

std::int64_t integer(const Descriptor& descriptor, cudnnBackendAttributeName_t name) {
  std::int64_t value = 0, count = 0;
  cuda::check(cudnnBackendGetAttribute(descriptor.get(), name, CUDNN_TYPE_INT64, 1, &count, &value),
              "reading a size");
  return value;
}

// Whether a driver must compile the configuration's engine, which takes seconds and fails without a GPU.
bool compiled_at_run_time(const Descriptor& configuration) {
  const Descriptor engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  cudnnBackendDescriptor_t handle = engine.get();
  std::int64_t count = 0;
  cuda::check(cudnnBackendGetAttribute(configuration.get(), CUDNN_ATTR_ENGINECFG_ENGINE,
                                       CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &handle),
              "reading a configuration's engine");
  std::array<cudnnBackendBehaviorNote_t, CUDNN_BEHAVIOR_NOTE_TYPE_COUNT> notes{};
  cuda::check(cudnnBackendGetAttribute(handle, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE,
                                       notes.size(), &count, notes.data()),
              "reading an engine's behaviour notes");
  return std::find(notes.begin(), notes.begin() + count, CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION) !=
         notes.begin() + count;
}

}  // namespace

Engines ask(const cuda::Graph& graph, const cuda::Device& device, cuda::EngineLimits limits) {
  const auto configurations = cuda::engine_configurations(graph, device, limits);
  Engines answer{.configurations = configurations.size()};
  for (const Descriptor& configuration : configurations) {
    if (compiled_at_run_time(configuration)) continue;
    Descriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
    plan.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, device.properties);
    if (plan.try_finalize() != CUDNN_STATUS_SUCCESS) continue;
    answer.precompiled = true;
    answer.workspace = integer(plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);
    break;
  }
  if (!answer.precompiled && !configurations.empty())
    answer.workspace = integer(configurations.front(), CUDNN_ATTR_ENGINECFG_WORKSPACE_SIZE);
  return answer;
}

}  // namespace thaw::deviceless
