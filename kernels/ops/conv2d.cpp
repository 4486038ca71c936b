#include "kernels/ops/conv2d.h"

namespace thaw::checks {
namespace {

std::string geometry(const Conv2dSpec& s) {
  const auto number = [](std::int64_t value) { return std::to_string(value); };
  return "a convolution of " + number(s.in) + " to " + number(s.out) + " channels, kernel " +
         number(s.kernel_h) + "x" + number(s.kernel_w) + ", stride " + number(s.stride) + ", padding " +
         number(s.padding) + ", dilation " + number(s.dilation) + ", groups " + number(s.groups);
}

// The shape that `s` makes of x, in the place of y.
Named fitting(const char* op, const Conv2dSpec& s, const Named& x, Named y) {
  try {
    y.view.h = s.out_h(x.view.h);
    y.view.w = s.out_w(x.view.w);
  } catch (const Error& error) {
    refuse(op, text(x) + ": " + error.what());
  }
  y.view.n = x.view.n;
  y.view.c = s.out;
  return y;
}

}  // namespace

void conv2d(const char* op, const Conv2dSpec& s, const Named& x, const Named& y) {
  if (s.in < 1 || s.out < 1 || s.kernel_h < 1 || s.kernel_w < 1 || s.stride < 1 || s.padding < 0 ||
      s.dilation < 1 || s.groups < 1 || s.in % s.groups != 0 || s.out % s.groups != 0)
    refuse(op, geometry(s) + " of " + text(x) +
                   " is none; padding is at least 0, the others at least 1, and groups divide both channels");
  const Named made = fitting(op, s, x, y);
  const ConstView &a = y.view, &b = made.view;
  if (x.view.c != s.in || a.n != b.n || a.h != b.h || a.w != b.w || a.c != b.c)
    refuse(op, text(x) + " and " + text(y) + " do not fit " + geometry(s) + "; it makes " + text(made) +
                   " of " + std::to_string(s.in) + " channels");
}

void weights(const char* op, const Weights& weight, const Named& activations) {
  if (weight.type != activations.view.type)
    refuse(op, text(activations) + " is " + dtype_name(activations.view.type) + " and the weights are " +
                   dtype_name(weight.type) + "; give both one type");
}

}  // namespace thaw::checks
