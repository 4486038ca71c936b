#include "layers/elementwise.h"

namespace thaw {

Variable add(const Variable& a, const Variable& b, const std::string& module) {
  Backend& backend = a.backend();
  if (a.value().shape() != b.value().shape())
    throw Error("add " + module + ": shapes differ: " + a.value().shape().text() + " and " +
                b.value().shape().text());
  Tensor y = Tensor::empty(backend, a.value().shape(), a.value().dtype());
  backend(Add{.a = a.value().view(), .b = b.value().view(), .y = y.view()});
  return record(std::move(y), "add", module, {a, b}, false, [a = a.edge(), b = b.edge()](const Tensor& dy) {
    if (a.requires_grad()) a.accumulate(dy);
    if (b.requires_grad()) b.accumulate(dy);
  });
}

}  // namespace thaw
