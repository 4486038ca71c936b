#include "layers/activation.h"

namespace thaw {

Variable relu(const Variable& x, const std::string& module) {
  Backend& backend = x.backend();
  Tensor y = Tensor::empty(backend, x.value().shape(), x.value().dtype());
  backend(ReluForward{.x = x.value().view(), .y = y.view()});
  const Tensor saved = x.requires_grad() ? y : Tensor();
  return record(std::move(y), "relu", module, {x}, false, [=, &backend, x = x.edge()](const Tensor& dy) {
    Tensor dx = Tensor::empty(backend, dy.shape(), dy.dtype());
    backend(ReluBackward{.dy = dy.view(), .y = saved.view(), .dx = dx.view()});
    x.accumulate(std::move(dx));
  });
}

}  // namespace thaw
