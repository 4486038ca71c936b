// Linked where the CUDA backend is left out of the build.
#include "kernels/backend.h"

namespace thaw {
namespace {

constexpr const char* absent = "this build has no CUDA backend";

}  // namespace

bool cuda_available(std::string* reason) {
  if (reason != nullptr) *reason = absent;
  return false;
}

std::unique_ptr<Backend> make_cuda_backend(const BackendOptions&) {
  throw Error(std::string("device cuda: ") + absent +
              "; use --device cpu, or configure with -DTHAW_CUDA=ON where nvcc and cuDNN are installed");
}

}  // namespace thaw
