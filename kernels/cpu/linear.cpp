#include "kernels/cpu/cpu_backend.h"

namespace thaw::cpu {

template <>
void CpuBackend::compute(const LinearForward& op) {
  const PackedInput input(*this, op.x, op.weight.type);
  Product p;
  p.op = op.name;
  p.a = input.view();
  p.b = matrix<ConstView>(op.weight.data, op.weight.type, op.y.c, op.x.c);
  p.transpose_b = true;
  p.bias = op.bias;
  p.c = op.y;
  product(p);
}

template <>
void CpuBackend::compute(const LinearBackwardData& op) {
  // A head's gradient comes in f32 from the loss even where the activations are bf16.
  const PackedInput gradient(*this, op.dy, op.weight.type);
  Product p;
  p.op = op.name;
  p.a = gradient.view();
  p.b = matrix<ConstView>(op.weight.data, op.weight.type, op.dy.c, op.dx.c);
  p.c = op.dx;
  product(p);
}

template <>
void CpuBackend::compute(const LinearBackwardWeight& op) {
  const PackedInput gradient(*this, op.dy, op.x.type);
  Product p;
  p.op = op.name;
  p.a = gradient.view();
  p.transpose_a = true;
  p.b = op.x;
  p.c = matrix<View>(static_cast<void*>(op.dweight), DType::f32, op.dy.c, op.x.c);
  p.add = op.into == Into::add;
  product(p);
}

}  // namespace thaw::cpu
