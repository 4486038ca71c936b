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

  void run(const Conv2dForward& op);
  void run(const Conv2dBackwardData& op);
  void run(const Conv2dBackwardWeight& op);

  std::size_t plans() const;

 private:
  using Key = std::vector<std::int64_t>;
  // False where cuDNN has no engine for the graph; `refusal` is then what it said last.
  template <class Build>
  bool try_execute(Key key, DType type, const char* op, const Arguments& arguments, Build build,
                   std::string& refusal);
  template <class Build>
  void execute(Key key, DType type, const char* op, const Arguments& arguments, Build build);
  [[noreturn]] void refuse(DType type, const char* op, const std::string& refusal) const;
  void run_in_squares(const Conv2dForward& op);
  void run_in_squares(const Conv2dBackwardWeight& op);
  void run_in_f32(const Conv2dForward& op);
  void run_in_parts(const Conv2dForward& op);
  void weight_gradient(const Conv2dSpec& spec, const ConstView& x, const ConstView& dy, void* to);
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
