#include "kernels/cuda/conv2d_tuner.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <string>
#include <utility>

namespace thaw::cuda {
namespace {

constexpr std::size_t most_candidates = 8;
constexpr std::size_t workspace_share = 32;  // of the device's memory, see docs/cuda.md
constexpr int timed_runs = 3;

class Event {
 public:
  Event() { check(cudaEventCreateWithFlags(&handle_, cudaEventDefault), "creating an event"); }
  ~Event() { cudaEventDestroy(handle_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void record(const Queue& queue) { check(cudaEventRecord(handle_, queue.stream), "recording an event"); }
  // Waits for both.
  float milliseconds_since(const Event& begin) const {
    float milliseconds = 0.0f;
    check(cudaEventSynchronize(handle_), "timing an engine");
    check(cudaEventElapsedTime(&milliseconds, begin.handle_, handle_), "timing an engine");
    return milliseconds;
  }

 private:
  cudaEvent_t handle_ = nullptr;
};

std::string text_of(const std::vector<std::int64_t>& key) {
  std::string text;
  for (const std::int64_t number : key) text.append(text.empty() ? "" : " ").append(std::to_string(number));
  return text;
}

}  // namespace

Tuner::Tuner(const Queue& queue, Pool& pool, cudnnHandle_t handle, PlanFile file)
    : queue_(queue), pool_(pool), handle_(handle), file_(std::move(file)) {
  std::size_t available = 0, total = 0;
  check(cudaMemGetInfo(&available, &total), "asking for the device's memory");
  most_workspace_ = static_cast<std::int64_t>(total / workspace_share);
}

std::optional<Plan> Tuner::choose(const std::vector<std::int64_t>& key,
                                  const std::vector<Descriptor>& proposed, const Device& device,
                                  const Arguments& arguments, std::string& refusal) {
  Proposals distinct;
  for (const Descriptor& configuration : proposed) {
    std::string tag = tag_of(configuration);
    if (std::none_of(distinct.begin(), distinct.end(), [&](const auto& d) { return d.first == tag; }))
      distinct.emplace_back(std::move(tag), &configuration);
  }
  if (distinct.size() < 2) return std::nullopt;
  const std::string graph = text_of(key), kept = file_.find(graph);
  for (const auto& [tag, configuration] : distinct)
    if (tag == kept)
      if (auto plan = Plan::compile(*configuration, device, &refusal)) return plan;
  if (pool_.recording()) return std::nullopt;

  std::vector<Candidate> candidates = compile(distinct, device, refusal);
  Candidate* best = fastest(candidates, arguments);
  if (best == nullptr) return std::nullopt;
  file_.keep(graph, best->tag);
  return std::move(best->plan);
}

// The first most_candidates that compile and want no more workspace than is allowed.
std::vector<Tuner::Candidate> Tuner::compile(const Proposals& proposals, const Device& device,
                                             std::string& refusal) const {
  std::vector<Candidate> candidates;
  for (auto next = proposals.begin(); next != proposals.end() && candidates.size() < most_candidates;) {
    std::vector<const Descriptor*> wanted;
    const auto first = next;
    for (; next != proposals.end() && candidates.size() + wanted.size() < most_candidates; ++next)
      wanted.push_back(next->second);
    auto plans = Plan::compile_all(wanted, device, &refusal);
    for (std::size_t i = 0; i < plans.size(); ++i)
      if (plans[i] && plans[i]->workspace_bytes() <= most_workspace_)
        candidates.push_back({(first + static_cast<std::ptrdiff_t>(i))->first, std::move(*plans[i])});
  }
  return candidates;
}

Tuner::Candidate* Tuner::fastest(std::vector<Candidate>& candidates, Arguments arguments) const {
  std::int64_t largest = 1;
  for (const Candidate& candidate : candidates) largest = std::max(largest, candidate.plan.workspace_bytes());
  Candidate* best = nullptr;
  float least = std::numeric_limits<float>::infinity();
  try {
    // A power of two, so that other geometries find this block again.
    const auto bytes = std::min<std::size_t>(std::bit_ceil(static_cast<std::size_t>(largest)),
                                             static_cast<std::size_t>(most_workspace_));
    const Temporary workspace(pool_, std::max(bytes, std::size_t{1}));
    const Temporary sum(pool_, arguments.added_bytes);  // else each run would add once more
    if (arguments.added_bytes > 0) arguments.pointers.front() = sum.data();
    for (Candidate& candidate : candidates) {
      const std::optional<float> time = milliseconds(candidate.plan, arguments, workspace.data());
      if (!time || *time >= least) continue;
      least = *time;
      best = &candidate;
    }
  } catch (const OutOfMemory&) {
    // A batch that all but fills the device still runs, on the engine that cuDNN proposes first.
  }
  return best;
}

// Of the fastest of some runs, after one that warms up; nothing where the engine refuses to run.
std::optional<float> Tuner::milliseconds(const Plan& plan, const Arguments& arguments,
                                         void* workspace) const {
  if (plan.execute(handle_, arguments, workspace) != CUDNN_STATUS_SUCCESS) return std::nullopt;
  Event begin, end;
  float least = std::numeric_limits<float>::infinity();
  for (int run = 0; run < timed_runs; ++run) {
    begin.record(queue_);
    if (plan.execute(handle_, arguments, workspace) != CUDNN_STATUS_SUCCESS) return std::nullopt;
    end.record(queue_);
    least = std::min(least, end.milliseconds_since(begin));
  }
  return least;
}

}  // namespace thaw::cuda
