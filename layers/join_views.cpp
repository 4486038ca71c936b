#include "layers/join_views.h"

namespace thaw {

Variable join_views(const Variable& rows, std::int64_t views, const Tensor& features,
                    const std::string& module) {
  const Shape& shape = rows.value().shape();
  const std::int64_t numbers = features.defined() ? features.shape()[1] : 0;
  if (shape.rank() != 2 || views < 1 || shape[0] % views != 0 || !rows.value().packed() ||
      (features.defined() && features.shape() != Shape{shape[0] / views, numbers}))
    throw Error("join_views " + module + ": takes rows [N * " + std::to_string(views) +
                ", C] and features [N, F], got " + shape.text() +
                (features.defined() ? " and " + features.shape().text() : ""));
  if (views == 1 && numbers == 0) return rows;
  Backend& backend = rows.backend();
  const std::int64_t cases = shape[0] / views, width = views * shape[1];
  const Tensor y = Tensor::empty(backend, {cases, width + numbers}, rows.value().dtype());
  backend(Copy{.x = rows.value().reshape({cases, width}).view(), .y = y.channels(0, width).view()});
  if (numbers > 0) backend(Copy{.x = features.view(), .y = y.channels(width, width + numbers).view()});
  return record(y, "join_views", module, {rows}, false, [=, &backend, rows = rows.edge()](const Tensor& dy) {
    const Tensor dx = Tensor::empty(backend, shape, dy.dtype());
    backend(Copy{.x = dy.channels(0, width).view(), .y = dx.reshape({cases, width}).view()});
    rows.accumulate(dx);
  });
}

}  // namespace thaw
