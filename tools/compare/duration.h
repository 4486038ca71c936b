// How long a comparison takes, before and while it runs.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/compare/run.h"

namespace thaw {

// FLOPs that a plan costs for each training picture in an epoch, the validation of `validation` pictures for each of them
// included. `options` and `size` are the network's and its pictures'.
double plan_work(const ComparePlan& plan, const NetworkOptions& options, int size, double validation);

// All runs of a plan.
struct PlanRuns {
  ComparePlan plan;
  double lr = 0;  // one of those that are tried
  int runs = 0;
};

// "about 1:02:03 for 40 runs of 10 epochs, estimated from ...", a line: a training step of each network is measured, and
// scaled to the plans by their FLOPs. Reads the data; throws Error as TrainingSetup and the step do.
std::string estimate_text(const CompareSettings& settings, const std::vector<PlanRuns>& plans);

// Counts runs and tells how long the rest takes.
class RunClock {
 public:
  // `runs` are to come, of the network `model`; each costs `work`, in any unit that is the same for all of that network.
  void plan(const std::string& model, int runs, double work);

  // "run 7 of 40, about 1:02:03 to go", of the run that begins; without the time until a run of every network that is still
  // to come has been trained.
  std::string text() const;
  // A run is over. `seconds`: it was trained in; 0: it was there.
  void end(const std::string& model, double work, double seconds);

 private:
  struct Network {
    double work_left = 0, work_trained = 0, seconds = 0;
  };
  int runs_ = 0, ended_ = 0;
  std::map<std::string, Network> networks_;
};

}  // namespace thaw
