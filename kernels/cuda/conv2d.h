// Convolutions by cuDNN: builds each graph once per geometry, keeps its plan, and runs it on the backend's
// stream.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kernels/backend.h"
#include "kernels/cuda/conv2d_graph.h"
#include "kernels/cuda/conv2d_tuner.h"
#include "kernels/cuda/memory.h"
#include "kernels/cuda/queue.h"

namespace thaw::cuda {

class Convolutions {
 public:
  // `file`: where the tuner keeps its choices.
  Convolutions(const Queue& queue, Pool& pool, const BackendOptions& options = {}, PlanFile file = {});
  ~Convolutions();
  Convolutions(const Convolutions&) = delete;
  Convolutions& operator=(const Convolutions&) = delete;

  // As Backend::conv2d_forward and its gradients.
  void forward(const Conv2dSpec& spec, ConstView x, Weights weight, const float* bias, ConstView residual,
               Activation activation, View y);
  void backward_data(const Conv2dSpec& spec, ConstView dy, Weights weight, View dx);
  void backward_weight(const Conv2dSpec& spec, ConstView x, ConstView dy, float* dweight, Into into);

  std::size_t plans() const;

 private:
  using Key = std::vector<std::int64_t>;
  // False where cuDNN has no engine for the graph; `refusal` is then what it said last.
  template <class Build>
  bool try_run(Key key, DType type, const char* op, const Arguments& arguments, Build build,
               std::string& refusal);
  template <class Build>
  void run(Key key, DType type, const char* op, const Arguments& arguments, Build build);
  void forward_in_f32(const Conv2dSpec& spec, ConstView x, Weights weight, const float* bias,
                      ConstView residual, Activation activation, View y);
  Plan compile_numbered(const std::vector<Descriptor>& proposed, const Device& device, const char* op) const;

  Queue queue_;
  Pool& pool_;
  bool tf32_;
  std::optional<std::size_t> engine_;  // as BackendOptions::cudnn_engine
  cudnnHandle_t handle_ = nullptr;
  std::optional<Tuner> tuner_;                // none: cuDNN's first proposal, or number engine_
  std::map<Key, std::optional<Plan>> plans_;  // nothing: cuDNN has no engine
};

}  // namespace thaw::cuda
