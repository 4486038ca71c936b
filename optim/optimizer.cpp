#include "optim/optimizer.h"

#include <unordered_map>

#include "optim/adamw.h"
#include "optim/sgd.h"

namespace thaw {

namespace {

const std::string first_step_prefix = "first_step.";

std::unique_ptr<Optimizer> make_sgd(const OptimizerOptions& o) {
  return std::make_unique<Sgd>(SgdSpec{.momentum = o.momentum, .nesterov = o.nesterov}, o.weight_decay);
}

std::unique_ptr<Optimizer> make_adamw(const OptimizerOptions& o) {
  return std::make_unique<AdamW>(AdamWSpec{.beta1 = o.beta1, .beta2 = o.beta2, .eps = o.eps}, o.weight_decay);
}

constexpr OptimizerKind kinds[] = {{"sgd", 0, make_sgd}, {"adamw", 1e-3, make_adamw}};

}  // namespace

Optimizer::Optimizer(std::vector<std::string> part_names, float weight_decay)
    : part_names_(std::move(part_names)), weight_decay_(weight_decay) {
  if (!(weight_decay >= 0)) throw Error("optimizer: weight decay must be at least 0");
}

ParameterArenas& Optimizer::arenas() const {
  if (arenas_ == nullptr) throw Error("optimizer: plan() has not been called");
  return *arenas_;
}

void Optimizer::plan(ParameterArenas& arenas, std::uint64_t step) {
  if (arenas.elements() == 0) throw Error("optimizer: every parameter is frozen, nothing is left to train");
  std::unordered_map<std::string, const Slot*> before;
  for (const Slot& slot : slots_) before[slot.name] = &slot;

  std::vector<Slot> slots;
  for (std::size_t i = 0; i < arenas.trainable().size(); ++i) {
    const Parameter& p = *arenas.trainable()[i];
    const auto old = before.find(p.name);
    const std::uint64_t first_step = old != before.end() ? old->second->first_step
                                     : counts_steps()    ? step
                                                         : 0;
    slots.push_back({p.name, arenas.offset(i), p.value.shape(), first_step});
  }
  std::vector<Tensor> parts;
  for (std::size_t k = 0; k < part_names_.size(); ++k) {
    parts.push_back(Tensor::zeros(arenas.backend(), {arenas.elements()}));
    for (const Slot& slot : slots) {
      const auto old = before.find(slot.name);
      if (old == before.end()) continue;
      parts[k].slot(slot.offset, slot.shape).copy_from(parts_[k].slot(old->second->offset, slot.shape));
    }
  }
  arenas_ = &arenas;
  slots_ = std::move(slots);
  parts_ = std::move(parts);
}

void Optimizer::step(StepControl& control) {
  ParameterArenas& arenas = this->arenas();
  arenas.complete_gradients();
  arenas.backend()(GradientNorm{
      .gradient = arenas.gradients().as<float>(), .count = arenas.elements(), .state = control.device()});
  update(arenas, segments(), control.device(), parts_);
  arenas.values_changed();
}

std::vector<ArenaSegment> Optimizer::segments() const {
  std::vector<std::uint64_t> first_steps;
  for (const Slot& slot : slots_) first_steps.push_back(slot.first_step);
  return arena_segments(*arenas_, weight_decay_, first_steps);
}

StateDict Optimizer::state_dict() const {
  StateDict state;
  for (std::size_t k = 0; k < parts_.size(); ++k)
    for (const Slot& slot : slots_)
      state.add(part_names_[k] + "." + slot.name, parts_[k].slot(slot.offset, slot.shape).to_host());
  if (!counts_steps()) return state;
  for (const Slot& slot : slots_) {
    Tensor first_step = Tensor::empty_host({}, DType::i64);
    *first_step.as<std::int64_t>() = static_cast<std::int64_t>(slot.first_step);
    state.add(first_step_prefix + slot.name, std::move(first_step));
  }
  return state;
}

void Optimizer::load_state_dict(const StateDict& state) {
  arenas();
  std::vector<std::pair<Tensor, const Tensor*>> copies;
  std::unordered_map<std::string, bool> known;
  for (std::size_t k = 0; k < parts_.size(); ++k) {
    for (const Slot& slot : slots_) {
      const std::string key = part_names_[k] + "." + slot.name;
      const Tensor* saved = state.find(key);
      if (saved == nullptr)
        throw Error("optimizer state: " + key +
                    " is missing; resume with the same optimizer and freeze plan");
      if (saved->shape() != slot.shape || saved->dtype() != DType::f32)
        throw Error("optimizer state: " + key + " is " + dtype_name(saved->dtype()) + " " +
                    saved->shape().text() + ", the parameter is f32 " + slot.shape.text());
      copies.emplace_back(parts_[k].slot(slot.offset, slot.shape), saved);
      known[key] = true;
    }
  }
  std::vector<std::uint64_t> first_steps;
  for (std::size_t i = 0; counts_steps() && i < slots_.size(); ++i) {
    const std::string key = first_step_prefix + slots_[i].name;
    const Tensor* saved = state.find(key);
    if (saved == nullptr || saved->dtype() != DType::i64 || saved->elements() != 1 ||
        *saved->as<std::int64_t>() < 0)
      throw Error("optimizer state: " + key + " is missing or no count of steps");
    first_steps.push_back(static_cast<std::uint64_t>(*saved->as<std::int64_t>()));
    known[key] = true;
  }
  for (const auto& [key, tensor] : state)
    if (!known.contains(key))
      throw Error("optimizer state: " + key +
                  " is unexpected; resume with the same optimizer and freeze plan");
  for (auto& [to, from] : copies) to.copy_from(*from);
  for (std::size_t i = 0; i < first_steps.size(); ++i) slots_[i].first_step = first_steps[i];
}

std::vector<ArenaSegment> arena_segments(const ParameterArenas& arenas, float weight_decay,
                                         const std::vector<std::uint64_t>& first_steps) {
  std::vector<ArenaSegment> segments;
  for (std::size_t i = 0; i < arenas.trainable().size(); ++i) {
    const Parameter& p = *arenas.trainable()[i];
    const ArenaSegment segment{.begin = arenas.offset(i),
                               .end = arenas.offset(i) + p.value.elements(),
                               .lr_scale = p.lr_scale,
                               .weight_decay = p.decays ? weight_decay : 0.0f,
                               .first_step = first_steps.empty() ? 0 : first_steps[i]};
    // Padding between equal neighbours holds zeros and stays zero, so they can be one run.
    if (!segments.empty() && segments.back().lr_scale == segment.lr_scale &&
        segments.back().weight_decay == segment.weight_decay &&
        segments.back().first_step == segment.first_step)
      segments.back().end = segment.end;
    else
      segments.push_back(segment);
  }
  return segments;
}

std::span<const OptimizerKind> optimizer_kinds() {
  return kinds;
}

const OptimizerKind& optimizer_kind(const std::string& name) {
  std::string known;
  for (const OptimizerKind& kind : kinds) {
    if (kind.name == name) return kind;
    known += (known.empty() ? "" : ", ") + std::string(kind.name);
  }
  throw Error("no optimizer '" + name + "'; there are " + known);
}

std::unique_ptr<Optimizer> make_optimizer(const std::string& name, const OptimizerOptions& options) {
  return optimizer_kind(name).make(options);
}

}  // namespace thaw
