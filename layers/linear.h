// Linear layer (torch.nn.Linear): y = x weight^T + bias.
#pragma once

#include "layers/module.h"

namespace thaw {

// x: [N, in] -> [N, out]; bias may be null. dx accumulates; dweight and dbias go to the parameters.
Variable linear(const Variable& x, Parameter& weight, Parameter* bias, Mode mode, const std::string& module);

class Linear : public Module {
 public:
  Linear(std::int64_t in, std::int64_t out, bool bias = true);
  Variable forward(const Variable& x, Mode mode) override;
  // Uniform in +-1 / sqrt(in), weight and bias (torch.nn.Linear's default); kaiming_fan_in: bias 0.
  void reset_parameters(const Initializer& with) override;

  std::int64_t in() const { return weight.value.shape()[1]; }
  std::int64_t out() const { return weight.value.shape()[0]; }
  bool has_bias() const { return has_bias_; }
  Parameter weight;  // [out, in]
  Parameter bias;    // [out], only if has_bias()

 private:
  bool has_bias_;
};

}  // namespace thaw
