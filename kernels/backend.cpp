#include "kernels/backend.h"

namespace thaw {

std::unique_ptr<Backend> make_backend(const std::string& device, const BackendOptions& options) {
  if (device == "cuda" || (device == "auto" && cuda_available(nullptr))) return make_cuda_backend(options);
  if (options.tf32) throw Error("device " + device + ": TF32 is of GPUs; leave it off or use device cuda");
  if (device == "auto") return THAW_CPU_BUILT ? make_cpu_backend(options.threads) : make_reference_backend();
  if (device == "cpu") return make_cpu_backend(options.threads);
  if (device == "reference") return make_reference_backend();
  throw Error("device '" + device + "' is unknown; use auto, cpu, cuda or reference");
}

}  // namespace thaw
