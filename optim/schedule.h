// Learning-rate schedules: pure functions of the position, so a resumed run continues exactly.
#pragma once

#include <limits>
#include <string>

namespace thaw {

enum class ScheduleKind { constant, step, cosine, plateau };

// Positions, lengths and warm-up share one unit, epochs or steps, as the caller likes (timm's
// sched_on_updates).
struct Schedule {
  ScheduleKind kind = ScheduleKind::constant;
  double lr = 0.1;    // the base rate
  double total = 1;   // length of the whole run; cosine ends there
  double warmup = 0;  // linear from warmup_lr to lr over the first `warmup`
  double warmup_lr = 1e-5;
  bool warmup_prefix =
      false;  // true: the schedule proper begins at its start after the warm-up (timm's warmup_prefix)
  double min_lr = 0;      // cosine's end
  double step_size = 30;  // step: lr * gamma^floor(position / step_size)
  double gamma = 0.1;

  // The rate at `position` >= 0, of plateau without its falls; at and after `total` cosine gives min_lr. As
  // timm's CosineLRScheduler and StepLRScheduler with one cycle.
  double at(double position) const;
};

// What --sched plateau has seen: the rate is that of the constant schedule times gamma^falls.
struct Plateau {
  double best = std::numeric_limits<double>::max();
  int bad_epochs = 0;  // since the best one or the last fall
  int falls = 0;

  // torch.optim.lr_scheduler.ReduceLROnPlateau with its defaults (mode min, relative threshold 1e-4): one
  // fall when more than `patience` epochs in a row were not better. A loss that is NaN is never better.
  void observe(double loss, int patience);
};

// "constant", "step", "cosine", "plateau"; throws Error on another name.
ScheduleKind schedule_kind(const std::string& name);

}  // namespace thaw
