#include "models/deep_stem.h"

namespace thaw {

DeepStem::DeepStem(std::int64_t in, std::int64_t out)
    : conv0_({.in = in, .out = out / 2, .kernel = 3, .stride = 2, .padding = 1}),
      bn1_(out / 2),
      conv3_({.in = out / 2, .out = out / 2, .kernel = 3, .padding = 1}),
      bn4_(out / 2),
      conv6_({.in = out / 2, .out = out, .kernel = 3, .padding = 1}) {
  add_child("0", conv0_);
  add_child("1", bn1_);
  add_child("3", conv3_);
  add_child("4", bn4_);
  add_child("6", conv6_);
}

Variable DeepStem::front(const Variable& x, Mode mode) {
  const Variable y = conv_bn_act(x, conv0_, bn1_, {}, Activation::relu, mode);
  return conv_bn_act(y, conv3_, bn4_, {}, Activation::relu, mode);
}

}  // namespace thaw
