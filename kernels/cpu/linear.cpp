#include "kernels/cpu/cpu_backend.h"

namespace thaw::cpu {

void CpuBackend::linear_forward(ConstView x, Weights weight, const float* bias, View y) {
  const PackedInput input(*this, x, weight.type);
  Product p;
  p.op = "linear_forward";
  p.a = input.view();
  p.b = matrix<ConstView>(weight.data, weight.type, y.c, x.c);
  p.transpose_b = true;
  p.bias = bias;
  p.c = y;
  product(p);
}

void CpuBackend::linear_backward_data(ConstView dy, Weights weight, View dx) {
  // A head's gradient comes in f32 from the loss even where the activations are bf16.
  const PackedInput gradient(*this, dy, weight.type);
  Product p;
  p.op = "linear_backward_data";
  p.a = gradient.view();
  p.b = matrix<ConstView>(weight.data, weight.type, dy.c, dx.c);
  p.c = dx;
  product(p);
}

void CpuBackend::linear_backward_weight(ConstView x, ConstView dy, float* dweight, Into into) {
  const PackedInput gradient(*this, dy, x.type);
  Product p;
  p.op = "linear_backward_weight";
  p.a = gradient.view();
  p.transpose_a = true;
  p.b = x;
  p.c = matrix<View>(static_cast<void*>(dweight), DType::f32, dy.c, x.c);
  p.add = into == Into::add;
  product(p);
}

}  // namespace thaw::cpu
