#include "optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/error.h"

namespace thaw {

double Schedule::at(double position) const {
  if (position < warmup) return warmup_lr + (lr - warmup_lr) * position / warmup;
  const double begin = warmup_prefix ? warmup : 0.0;
  const double t = position - begin;
  switch (kind) {
    case ScheduleKind::constant:
    case ScheduleKind::plateau:
      return lr;
    case ScheduleKind::step:
      return lr * std::pow(gamma, std::floor(t / step_size));
    case ScheduleKind::cosine:
      break;
  }
  const double length = total - begin;
  const double share = length > 0 ? std::min(t / length, 1.0) : 1.0;
  return min_lr + 0.5 * (lr - min_lr) * (1.0 + std::cos(std::numbers::pi * share));
}

ScheduleKind schedule_kind(const std::string& name) {
  if (name == "constant") return ScheduleKind::constant;
  if (name == "step") return ScheduleKind::step;
  if (name == "cosine") return ScheduleKind::cosine;
  if (name == "plateau") return ScheduleKind::plateau;
  throw Error("no schedule '" + name + "'; there are constant, step, cosine, plateau");
}

void Plateau::observe(double loss, int patience) {
  if (loss < best * (1 - 1e-4)) {
    best = loss;
    bad_epochs = 0;
  } else if (++bad_epochs > patience) {
    ++falls;
    bad_epochs = 0;
  }
}

}  // namespace thaw
