#include "kernels/reference/reference_backend.h"

#include <cstring>
#include <utility>

namespace thaw::reference {
namespace {

void check_type(DType type) {
  if (type != DType::f32 && type != DType::bf16)
    throw Error(std::string("reference: activations of type ") + dtype_name(type) + "; use f32 or bf16");
}

template <class V>
std::vector<float> widened(const V& view) {
  std::vector<float> values(static_cast<std::size_t>(view.elements()));
  const auto* from = static_cast<const bf16*>(view.data);
  for (Index p = 0; p < view.pixels(); ++p) {
    for (Index c = 0; c < view.c; ++c) {
      values[static_cast<std::size_t>(p * view.c + c)] = static_cast<float>(from[p * view.pitch + c]);
    }
  }
  return values;
}

class HostRecording final : public Recording {
 public:
  explicit HostRecording(std::function<void()> step) : step_(std::move(step)) {}
  void replay() override { step_(); }

 private:
  std::function<void()> step_;
};

}  // namespace

Input::Input(const ConstView& view) {
  if (!view) return;
  check_type(view.type);
  image_ = {static_cast<const float*>(view.data), view.n, view.h, view.w, view.c, view.pitch};
  if (view.type == DType::f32) return;
  values_ = widened(view);
  image_.data = values_.data();
  image_.pitch = view.c;
}

Output::Output(const View& view) : view_(view) {
  if (!view) return;
  check_type(view.type);
  image_ = {static_cast<float*>(view.data), view.n, view.h, view.w, view.c, view.pitch};
  if (view.type == DType::f32) return;
  values_ = widened(view);
  image_.data = values_.data();
  image_.pitch = view.c;
}

Output::~Output() {
  if (!view_ || view_.type == DType::f32) return;
  auto* to = static_cast<bf16*>(view_.data);
  for (Index p = 0; p < view_.pixels(); ++p) {
    for (Index c = 0; c < view_.c; ++c) to[p * view_.pitch + c] = bf16(image_.pixel(p)[c]);
  }
}

void ReferenceBackend::upload(void* device, const void* host, std::size_t bytes) {
  copy_bytes(device, host, bytes);
}

void ReferenceBackend::download(void* host, const void* device, std::size_t bytes) {
  copy_bytes(host, device, bytes);
}

void ReferenceBackend::copy_bytes(void* to, const void* from, std::size_t bytes) {
  if (bytes != 0) std::memcpy(to, from, bytes);
}

void ReferenceBackend::zero(void* pointer, std::size_t bytes) {
  if (bytes != 0) std::memset(pointer, 0, bytes);
}

std::unique_ptr<Recording> ReferenceBackend::record(std::function<void()> step) {
  step();
  return std::make_unique<HostRecording>(std::move(step));
}

}  // namespace thaw::reference

namespace thaw {

std::unique_ptr<Backend> make_reference_backend() {
  return std::make_unique<reference::ReferenceBackend>();
}

}  // namespace thaw
