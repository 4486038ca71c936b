#include "layers/shortcut_a.h"

namespace thaw {

Variable shortcut_a(const Variable& x, std::int64_t out_channels, const std::string& module) {
  Backend& backend = x.backend();
  const Shape& s = x.value().shape();
  if (s.rank() != 4 || out_channels < s[1])
    throw Error("shortcut " + module + ": cannot widen " + s.text() + " to " + std::to_string(out_channels) +
                " channels");
  Tensor y = Tensor::empty(backend, {s[0], out_channels, (s[2] + 1) / 2, (s[3] + 1) / 2}, x.value().dtype());
  backend(ShortcutAForward{.x = x.value().view(), .y = y.view()});
  return record(std::move(y), "shortcut_a", module, {x}, false,
                [=, &backend, x = x.edge(), shape = s](const Tensor& dy) {
                  Tensor dx = Tensor::empty(backend, shape, dy.dtype());
                  backend(ShortcutABackward{.dy = dy.view(), .dx = dx.view()});
                  x.accumulate(std::move(dx));
                });
}

}  // namespace thaw
