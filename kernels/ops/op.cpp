#include "kernels/ops/op.h"

namespace thaw::checks {

std::string text(const Named& view) {
  const ConstView& v = view.view;
  return std::string(view.name) + " [" + std::to_string(v.n) + ", " + std::to_string(v.c) + ", " +
         std::to_string(v.h) + ", " + std::to_string(v.w) + "]";
}

void refuse(const char* op, const std::string& what) {
  throw Error(std::string(op) + ": " + what);
}

void same_shape(const char* op, const Named& a, const Named& b) {
  const ConstView &x = a.view, &y = b.view;
  if (x.n != y.n || x.h != y.h || x.w != y.w || x.c != y.c)
    refuse(op, text(a) + " and " + text(b) + " differ in shape; give both the same");
}

void activations(const char* op, const Named& view) {
  const DType type = view.view.type;
  if (type != DType::f32 && type != DType::bf16)
    refuse(op, text(view) + " is of type " + dtype_name(type) + "; use f32 or bf16");
}

void activations(const char* op, std::initializer_list<Named> views) {
  const Named& first = *views.begin();
  for (const Named& other : views) {
    if (!other.view) continue;
    activations(op, other);
    if (other.view.type != first.view.type)
      refuse(op, text(first) + " is " + dtype_name(first.view.type) + " and " + text(other) + " is " +
                     dtype_name(other.view.type) + "; copy one into the type of the other");
  }
}

void not_negative(const char* op, const char* what, std::int64_t value) {
  if (value < 0) refuse(op, std::string(what) + " is " + std::to_string(value) + "; use 0 or more");
}

}  // namespace thaw::checks
