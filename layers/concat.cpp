#include "layers/concat.h"

namespace thaw {

namespace {

// The shape of all parts together.
Shape joined_shape(const std::vector<Variable>& parts, const std::string& module) {
  if (parts.empty()) throw Error("concat " + module + ": nothing to join");
  Shape shape = parts.front().value().shape();
  if (shape.rank() != 4 && shape.rank() != 2)
    throw Error("concat " + module + ": takes [N, C, H, W] or [N, F], got " + shape.text());
  std::int64_t channels = 0;
  for (const Variable& part : parts) {
    Shape other = part.value().shape();
    if (other.rank() == shape.rank()) {
      channels += other[1];
      other[1] = shape[1];
    }
    if (other != shape || part.value().dtype() != parts.front().value().dtype())
      throw Error("concat " + module + ": " + parts.front().value().shape().text() + " and " +
                  part.value().shape().text() + " do not fit together");
  }
  shape[1] = channels;
  return shape;
}

}  // namespace

Variable concat(const std::vector<Variable>& parts, const std::string& module) {
  const Shape shape = joined_shape(parts, module);
  Backend& backend = parts.front().backend();
  const Tensor y = Tensor::empty(backend, shape, parts.front().value().dtype());
  std::vector<Variable> edges;
  std::vector<std::int64_t> widths;
  std::int64_t begin = 0;
  for (const Variable& part : parts) {
    const std::int64_t width = part.value().shape()[1];
    backend(Copy{.x = part.value().view(), .y = y.channels(begin, begin + width).view()});
    edges.push_back(part.edge());
    widths.push_back(width);
    begin += width;
  }
  return record(y, "concat", module, parts, false, [edges, widths, &backend](const Tensor& dy) {
    std::int64_t at = 0;
    for (std::size_t i = 0; i < edges.size(); ++i) {
      const Tensor slice = dy.channels(at, at + widths[i]);
      at += widths[i];
      if (!edges[i].requires_grad()) continue;
      Tensor dx = Tensor::empty(backend, slice.shape(), dy.dtype());
      backend(Copy{.x = slice.view(), .y = dx.view()});
      edges[i].accumulate(std::move(dx));
    }
  });
}

}  // namespace thaw
