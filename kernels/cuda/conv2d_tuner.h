// Which engine runs a convolution: the fastest of cuDNN's proposals, timed on the first use of a geometry.
#pragma once

#include <optional>
#include <vector>

#include "kernels/cuda/cudnn_graph.h"
#include "kernels/cuda/memory.h"
#include "kernels/cuda/plan_file.h"
#include "kernels/cuda/queue.h"

namespace thaw::cuda {

class Tuner {
 public:
  Tuner(const Queue& queue, Pool& pool, cudnnHandle_t handle, PlanFile file);

  // The plan for one of the configurations `proposed`: that of the file, else the fastest, which goes into
  // the file. It runs them on `arguments` themselves, whose outputs the op assigns anyway. Nothing where
  // there is no choice, while a step is recorded, or where there is no memory to run them in. `refusal` gets
  // why an engine did not compile.
  std::optional<Plan> choose(const std::vector<std::int64_t>& key, const std::vector<Descriptor>& proposed,
                             const Device& device, const Arguments& arguments, std::string& refusal);

 private:
  using Proposals = std::vector<std::pair<std::string, const Descriptor*>>;  // by tag
  struct Candidate {
    std::string tag;
    Plan plan;
  };
  Candidate* fastest(std::vector<Candidate>& candidates, Arguments arguments) const;
  std::vector<Candidate> compile(const Proposals& proposals, const Device& device,
                                 std::string& refusal) const;
  std::optional<float> milliseconds(const Plan& plan, const Arguments& arguments, void* workspace) const;

  Queue queue_;
  Pool& pool_;
  cudnnHandle_t handle_;
  PlanFile file_;
  std::int64_t most_workspace_;  // bytes
};

}  // namespace thaw::cuda
