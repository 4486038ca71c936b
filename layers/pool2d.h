// Pooling (torch.nn.MaxPool2d, AvgPool2d, AdaptiveAvgPool2d(1)). All gradients accumulate into x.
#pragma once

#include "layers/module.h"

namespace thaw {

// Memory for what pooling makes of x [N,C,H,W]; throws Error that names `module` for another rank.
Tensor empty_pooled(const Variable& x, const Pool2dSpec& spec, const std::string& module);

Variable max_pool2d(const Variable& x, const Pool2dSpec& spec, const std::string& module);
Variable avg_pool2d(const Variable& x, const Pool2dSpec& spec, const std::string& module);
// [N,C,H,W] -> [N,C]: AdaptiveAvgPool2d(1) and flatten.
Variable global_avg_pool(const Variable& x, const std::string& module);

class MaxPool2d : public Module {
 public:
  explicit MaxPool2d(const Pool2dSpec& spec) : spec_(spec) {}
  Variable forward(const Variable& x, Mode) override { return max_pool2d(x, spec_, path()); }
  const Pool2dSpec& spec() const { return spec_; }

 private:
  Pool2dSpec spec_;
};

class AvgPool2d : public Module {
 public:
  explicit AvgPool2d(const Pool2dSpec& spec) : spec_(spec) {}
  Variable forward(const Variable& x, Mode) override { return avg_pool2d(x, spec_, path()); }

 private:
  Pool2dSpec spec_;
};

class GlobalAvgPool : public Module {
 public:
  Variable forward(const Variable& x, Mode) override { return global_avg_pool(x, path()); }
};

}  // namespace thaw
