#include "layers/flatten.h"

namespace thaw {

Variable flatten(const Variable& x, const std::string& module) {
  Backend& backend = x.backend();
  const Shape& s = x.value().shape();
  if (s.rank() != 4) throw Error("flatten " + module + ": takes [N, C, H, W], got " + s.text());
  Tensor y = Tensor::empty(backend, {s[0], s[1] * s[2] * s[3]}, x.value().dtype());
  backend(FlattenForward{.x = x.value().view(), .y = y.view()});
  return record(std::move(y), "flatten", module, {x}, false,
                [=, &backend, x = x.edge(), shape = s](const Tensor& dy) {
                  Tensor dx = Tensor::empty(backend, shape, dy.dtype());
                  backend(FlattenBackward{.dy = dy.view(), .dx = dx.view()});
                  x.accumulate(std::move(dx));
                });
}

}  // namespace thaw
