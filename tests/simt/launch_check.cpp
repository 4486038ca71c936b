// What a device refuses before a kernel starts: block and grid sizes, launch bounds, dynamic shared memory,
// and kernel parameters that are too many.
#include <map>

#include "tests/simt/memory.h"
#include "tests/simt/runtime.h"
#include "tests/simt/worker.h"

extern "C" {
// Where the bytes before a kernel's entry begin that __launch_bounds__ put there (device.h); the linker gives
// the ends of the table. Weak: a program may have no such kernel.
extern unsigned char* const __start___patchable_function_entries[] __attribute__((weak));
extern unsigned char* const __stop___patchable_function_entries[] __attribute__((weak));
}

namespace simt {
namespace {

constexpr unsigned char no_operation = 0x90;

// Dynamic shared memory that cudaFuncSetAttribute has allowed.
std::map<const void*, std::size_t>& raised_limits() {
  static auto* limits = new std::map<const void*, std::size_t>;
  return *limits;
}

}  // namespace

unsigned launch_bound(const void* kernel) {
#if defined(__x86_64__)
  const auto* entry = static_cast<const unsigned char*>(kernel);
  for (auto* begin = __start___patchable_function_entries; begin != __stop___patchable_function_entries;
       ++begin) {
    const std::ptrdiff_t bound = entry - *begin;
    if (bound <= 0 || bound > static_cast<std::ptrdiff_t>(max_threads)) continue;
    const unsigned char* byte = *begin;
    while (byte != entry && *byte == no_operation) ++byte;
    if (byte == entry) return static_cast<unsigned>(bound);
  }
#else
  (void)kernel;
#endif
  return max_threads;
}

cudaError_t enqueue_launch(cudaStream_t stream, Launch launch) {
  Runtime& r = Runtime::instance();
  const auto lock = r.lock();
  const dim3 b = launch.block, g = launch.grid;
  const std::uint64_t threads = std::uint64_t{b.x} * b.y * b.z;
  const bool valid = threads > 0 && threads <= max_threads && b.z <= 64 && g.x > 0 && g.x <= 0x7fffffffu &&
                     g.y > 0 && g.y <= 65535 && g.z > 0 && g.z <= 65535;
  if (!valid) return r.answer(cudaErrorInvalidConfiguration);
  if (launch.parameter_bytes > parameter_limit) {
    r.report(std::to_string(launch.parameter_bytes) + " bytes of kernel parameters, more than " +
             std::to_string(parameter_limit));
    return r.answer(cudaErrorInvalidValue);
  }
  if (threads > launch_bound(launch.kernel)) return r.answer(cudaErrorLaunchOutOfResources);
  if (const auto raised = raised_limits().find(launch.kernel); raised != raised_limits().end()) {
    if (launch.dynamic_shared > raised->second) return r.answer(cudaErrorInvalidValue);
    launch.shared_limit = raised_shared_limit;
  } else if (launch.dynamic_shared > shared_limit) {
    return r.answer(cudaErrorInvalidValue);
  }
  return enqueue(stream, [launch = std::move(launch)] {
    if (run_grid(launch)) DeviceMemory::instance().check_guards(launch.name.c_str());
  });
}

}  // namespace simt

extern "C" cudaError_t CUDARTAPI cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute,
                                                      int value) {
  simt::Runtime& r = simt::Runtime::instance();
  const auto lock = r.lock();
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return r.answer(cudaErrorNotSupported);
  if (value < 0 || static_cast<std::size_t>(value) > simt::raised_shared_limit)
    return r.answer(cudaErrorInvalidValue);
  simt::raised_limits()[kernel] = static_cast<std::size_t>(value);
  return r.answer(cudaSuccess);
}
