#include "tensor/parameter.h"

namespace thaw {

namespace {

constexpr std::int64_t slot_alignment = 64;  // elements; 256 bytes of f32

std::int64_t padded(std::int64_t elements) {
  return (elements + slot_alignment - 1) / slot_alignment * slot_alignment;
}

// Moves the parameters' values into one new arena and returns it; writes each slot's offset to `offsets`.
Tensor move_into_arena(Backend& backend, const std::vector<Parameter*>& parameters,
                       std::vector<std::int64_t>& offsets) {
  std::int64_t total = 0;
  offsets.clear();
  for (const Parameter* p : parameters) {
    offsets.push_back(total);
    total += padded(p->value.elements());
  }
  if (total == 0) return {};
  Tensor arena = Tensor::zeros(backend, {total});
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    Parameter& p = *parameters[i];
    Tensor slot = arena.slot(offsets[i], p.value.shape());
    slot.copy_from(p.value);
    p.value = std::move(slot);
    ++p.version;
  }
  return arena;
}

// A bf16 copy of an arena; gives each parameter its slot.
Tensor low_precision_copy(Backend& backend, const Tensor& arena, const std::vector<Parameter*>& parameters,
                          const std::vector<std::int64_t>& offsets) {
  if (!arena.defined()) return {};
  Tensor copy = Tensor::empty(backend, arena.shape(), DType::bf16);
  const std::int64_t n = arena.elements();
  View from, to;
  from.data = arena.data(), from.n = n, from.c = from.pitch = 1;
  to.data = copy.data(), to.type = DType::bf16, to.n = n, to.c = to.pitch = 1;
  backend(Copy{.x = from, .y = to});
  for (std::size_t i = 0; i < parameters.size(); ++i)
    parameters[i]->low_precision = copy.slot(offsets[i], parameters[i]->value.shape());
  return copy;
}

}  // namespace

Into Parameter::next_grad() {
  const Into into = has_grad ? Into::add : Into::assign;
  has_grad = true;
  return into;
}

Weights Parameter::weights(DType activations) const {
  if (activations == DType::f32) return {value.data(), DType::f32};
  if (!low_precision.defined())
    throw Error("parameter " + name + ": no bf16 copy; plan the arenas with precision bf16");
  return {low_precision.data(), DType::bf16};
}

ParameterArenas::ParameterArenas(Backend& backend, const std::vector<Parameter*>& parameters, DType precision)
    : backend_(&backend) {
  for (Parameter* p : parameters) {
    p->grad = Tensor();
    p->low_precision = Tensor();
    p->has_grad = false;
    (p->frozen ? frozen_ : trainable_).push_back(p);
  }
  std::vector<std::int64_t> frozen_offsets;
  values_ = move_into_arena(backend, trainable_, offsets_);
  frozen_values_ = move_into_arena(backend, frozen_, frozen_offsets);
  elements_ = values_.defined() ? values_.elements() : 0;
  if (elements_ > 0) gradients_ = Tensor::zeros(backend, {elements_});
  for (std::size_t i = 0; i < trainable_.size(); ++i)
    trainable_[i]->grad = gradients_.slot(offsets_[i], trainable_[i]->value.shape());
  if (precision == DType::bf16) {
    low_precision_ = low_precision_copy(backend, values_, trainable_, offsets_);
    frozen_low_precision_ = low_precision_copy(backend, frozen_values_, frozen_, frozen_offsets);
  }
}

void ParameterArenas::clear_gradients() {
  for (Parameter* p : trainable_) p->has_grad = false;
}

void ParameterArenas::complete_gradients() {
  for (Parameter* p : trainable_)
    if (!p->has_grad) backend_->zero(p->grad.data(), p->grad.bytes());
}

void ParameterArenas::values_changed() {
  for (Parameter* p : trainable_) ++p->version;
}

}  // namespace thaw
