// Convolutions by cuDNN: builds each graph once per geometry, keeps its plan, and runs it on the backend's
// stream.
#pragma once

#include <map>
#include <vector>

#include "kernels/cuda/conv2d_graph.h"
#include "kernels/cuda/memory.h"
#include "kernels/cuda/queue.h"

namespace thaw::cuda {

class Convolutions {
 public:
  Convolutions(const Queue& queue, Pool& pool);
  ~Convolutions();
  Convolutions(const Convolutions&) = delete;
  Convolutions& operator=(const Convolutions&) = delete;

  // As Backend::conv2d_forward and its gradients.
  void forward(const Conv2dSpec& spec, ConstView x, Weights weight, const float* bias, ConstView residual,
               Activation activation, View y);
  void backward_data(const Conv2dSpec& spec, ConstView dy, Weights weight, View dx);
  void backward_weight(const Conv2dSpec& spec, ConstView x, ConstView dy, float* dweight, Into into);

  std::size_t plans() const { return plans_.size(); }

 private:
  using Key = std::vector<std::int64_t>;
  template <class Build>
  const Plan& plan_for(const Key& key, DType type, const char* op, Build build);
  void run(const Plan& plan, const std::vector<std::int64_t>& uids, const std::vector<const void*>& pointers);

  Queue queue_;
  Pool& pool_;
  cudnnHandle_t handle_ = nullptr;
  std::map<Key, Plan> plans_;
};

}  // namespace thaw::cuda
