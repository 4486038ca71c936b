#include "kernels/ops/pool2d.h"

namespace thaw::checks {
namespace {

std::string geometry(const Pool2dSpec& s) {
  return "kernel " + std::to_string(s.kernel) + ", stride " + std::to_string(s.stride) + ", padding " +
         std::to_string(s.padding) + (s.ceil_mode ? ", ceil_mode" : "");
}

// The shape that `s` makes of x, in the place of y.
Named fitting(const char* op, const Pool2dSpec& s, const Named& x, Named y) {
  try {
    y.view.h = s.out_size(x.view.h);
    y.view.w = s.out_size(x.view.w);
  } catch (const Error& error) {
    refuse(op, text(x) + ": " + error.what());
  }
  y.view.n = x.view.n;
  y.view.c = x.view.c;
  return y;
}

}  // namespace

void pool2d(const char* op, const Pool2dSpec& s, const Named& x, const Named& y) {
  const Named made = fitting(op, s, x, y);
  const ConstView &a = y.view, &b = made.view;
  if (a.n != b.n || a.h != b.h || a.w != b.w || a.c != b.c)
    refuse(op, text(x) + " and " + text(y) + " do not fit " + geometry(s) + "; that makes " + text(made));
}

void places(const char* op, const Pool2dSpec& s) {
  if (s.kernel > 15) refuse(op, geometry(s) + "; the kernel may be 15 at most");
}

void global_pool(const char* op, const Named& x, const Named& y) {
  if (y.view.pixels() != x.view.n || y.view.c != x.view.c)
    refuse(op, text(x) + " and " + text(y) + " do not fit; " + y.name +
                   " has a row for each picture and as many channels");
  if (x.view.n > 0 && x.view.h * x.view.w < 1)
    refuse(op, text(x) + " has no pixels; use pictures of at least one");
}

}  // namespace thaw::checks
