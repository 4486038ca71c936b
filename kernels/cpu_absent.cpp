// Linked where the CPU backend is left out of the build (THAW_CPU=OFF).
#include "kernels/backend.h"

namespace thaw {

std::unique_ptr<Backend> make_cpu_backend(int) {
  throw Error("device cpu: this build has no CPU backend; configure with -DTHAW_CPU=ON (needs oneDNN)");
}

}  // namespace thaw
