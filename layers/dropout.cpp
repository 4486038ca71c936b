#include "layers/dropout.h"

namespace thaw {

Variable dropout(const Variable& x, float p, std::uint32_t layer, const StepState* state,
                 const std::string& module) {
  Backend& backend = x.backend();
  Tensor y = Tensor::empty(backend, x.value().shape(), x.value().dtype());
  backend(DropoutForward{.x = x.value().view(), .p = p, .layer = layer, .state = state, .y = y.view()});
  return record(std::move(y), "dropout", module, {x}, false, [=, &backend, x = x.edge()](const Tensor& dy) {
    Tensor dx = Tensor::empty(backend, dy.shape(), dy.dtype());
    backend(DropoutForward{.x = dy.view(), .p = p, .layer = layer, .state = state, .y = dx.view()});
    x.accumulate(std::move(dx));
  });
}

Variable Dropout::forward(const Variable& x, Mode mode) {
  if (!mode.training || p_ == 0.0f) return x;
  if (mode.step == nullptr) throw Error("dropout " + path() + ": training needs Mode::train(state)");
  return dropout(x, p_, layer_, mode.step, path());
}

}  // namespace thaw
