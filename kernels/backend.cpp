#include "kernels/backend.h"

namespace thaw {

std::unique_ptr<Backend> make_backend(const std::string& device) {
  if (device == "auto") {
    if (std::string reason; cuda_available(&reason)) return make_cuda_backend();
    return THAW_CPU_BUILT ? make_cpu_backend(0) : make_reference_backend();
  }
  if (device == "cpu") return make_cpu_backend(0);
  if (device == "cuda") {
    std::string reason;
    if (!cuda_available(&reason)) throw Error("device cuda: " + reason + "; use --device cpu");
    return make_cuda_backend();
  }
  if (device == "reference") return make_reference_backend();
  throw Error("device '" + device + "' is unknown; use auto, cpu, cuda or reference");
}

}  // namespace thaw
