// Parameter: a named weight. Values, gradients and low-precision copies lie in flat arenas, frozen ones
// apart.
#pragma once

#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace thaw {

struct Parameter {
  std::string name;      // the full path, PyTorch's state_dict key
  Tensor value;          // f32; a slot of an arena once planned
  Tensor grad;           // f32, same shape; defined only for trainable parameters of planned arenas
  Tensor low_precision;  // bf16 copy of value under bf16, else undefined
  bool frozen = false;
  bool decays = true;  // false for tensors of one dimension: biases and BatchNorm
  float lr_scale = 1.0f;
  bool has_grad = false;      // whether grad holds this step's gradient
  std::uint64_t version = 0;  // grows whenever value changes

  bool wants_gradient() const { return !frozen; }
  // How the next contribution to grad is written: the first one of a step ASSIGNS, later ones ADD. Marks
  // has_grad.
  Into next_grad();
  // The weights in the precision of the activations.
  Weights weights(DType activations) const;
};

// The arenas of one model on one backend. Planning moves every parameter's value to `backend` and into its
// arena; values survive, gradients do not. Plan again after freezing or thawing.
class ParameterArenas {
 public:
  ParameterArenas() = default;
  ParameterArenas(Backend& backend, const std::vector<Parameter*>& parameters, DType precision);

  Backend& backend() const { return *backend_; }
  const std::vector<Parameter*>& trainable() const { return trainable_; }
  const std::vector<Parameter*>& frozen() const { return frozen_; }
  // Where trainable parameter i begins in the trainable arenas, in elements.
  std::int64_t offset(std::size_t i) const { return offsets_[i]; }
  std::int64_t elements() const { return elements_; }             // of a trainable arena, padding included
  const Tensor& values() const { return values_; }                // f32 [elements]
  const Tensor& gradients() const { return gradients_; }          // f32 [elements]; padding is 0
  const Tensor& low_precision() const { return low_precision_; }  // bf16 [elements] or undefined

  // Begins a step: no gradient is there yet. Costs nothing: the first contribution assigns.
  void clear_gradients();
  // Gives zeros to trainable parameters that got no gradient in this step, so that the arena can be read
  // whole.
  void complete_gradients();
  // Tells that an optimizer has changed the trainable values.
  void values_changed();

 private:
  Backend* backend_ = nullptr;
  std::vector<Parameter*> trainable_, frozen_;
  std::vector<std::int64_t> offsets_;
  std::int64_t elements_ = 0;
  Tensor values_, gradients_, low_precision_, frozen_values_, frozen_low_precision_;
};

}  // namespace thaw
