#include "layers/pool2d.h"

namespace thaw {

Tensor empty_pooled(const Variable& x, const Pool2dSpec& spec, const std::string& module) {
  const Shape& s = x.value().shape();
  if (s.rank() != 4) throw Error("pool2d " + module + ": takes [N, C, H, W], got " + s.text());
  return Tensor::empty(x.backend(), {s[0], s[1], spec.out_size(s[2]), spec.out_size(s[3])},
                       x.value().dtype());
}

Variable max_pool2d(const Variable& x, const Pool2dSpec& spec, const std::string& module) {
  Backend& backend = x.backend();
  Tensor y = empty_pooled(x, spec, module);
  const Tensor index = x.requires_grad() ? Tensor::empty(backend, y.shape(), DType::u8) : Tensor();
  backend(MaxPool2dForward{.spec = spec,
                           .x = x.value().view(),
                           .y = y.view(),
                           .index = index.defined() ? index.as<std::uint8_t>() : nullptr});
  return record(std::move(y), "max_pool2d", module, {x}, false,
                [=, &backend, x = x.edge(), shape = x.value().shape()](const Tensor& dy) {
                  Tensor dx = Tensor::empty(backend, shape, dy.dtype());
                  backend(MaxPool2dBackward{
                      .spec = spec, .dy = dy.view(), .index = index.as<std::uint8_t>(), .dx = dx.view()});
                  x.accumulate(std::move(dx));
                });
}

Variable avg_pool2d(const Variable& x, const Pool2dSpec& spec, const std::string& module) {
  Backend& backend = x.backend();
  Tensor y = empty_pooled(x, spec, module);
  backend(AvgPool2dForward{.spec = spec, .x = x.value().view(), .y = y.view()});
  return record(std::move(y), "avg_pool2d", module, {x}, false,
                [=, &backend, x = x.edge(), shape = x.value().shape()](const Tensor& dy) {
                  Tensor dx = Tensor::empty(backend, shape, dy.dtype());
                  backend(AvgPool2dBackward{.spec = spec, .dy = dy.view(), .dx = dx.view()});
                  x.accumulate(std::move(dx));
                });
}

Variable global_avg_pool(const Variable& x, const std::string& module) {
  Backend& backend = x.backend();
  const Shape& s = x.value().shape();
  if (s.rank() != 4) throw Error("global_avg_pool " + module + ": takes [N, C, H, W], got " + s.text());
  Tensor y = Tensor::empty(backend, {s[0], s[1]}, x.value().dtype());
  backend(GlobalAvgPoolForward{.x = x.value().view(), .y = y.view()});
  return record(std::move(y), "global_avg_pool", module, {x}, false,
                [=, &backend, x = x.edge(), shape = s](const Tensor& dy) {
                  Tensor dx = Tensor::empty(backend, shape, dy.dtype());
                  backend(GlobalAvgPoolBackward{.dy = dy.view(), .dx = dx.view()});
                  x.accumulate(std::move(dx));
                });
}

}  // namespace thaw
