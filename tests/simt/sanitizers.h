// SIMT_ASAN: compiled with AddressSanitizer. SIMT_TSAN: a part of the engine in a ThreadSanitizer build; it
// is itself compiled without, since it acts for many threads. What is not there does nothing.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define SIMT_ASAN 1
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

#if defined(SIMT_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

namespace simt {

#if defined(SIMT_TSAN)
inline constexpr bool tsan = true;
// What was done before release(p) happened before what is done after acquire(p).
inline void release(void* p) {
  __tsan_release(p);
}
inline void acquire(void* p) {
  __tsan_acquire(p);
}
#else
inline constexpr bool tsan = false;
inline void release(void*) {}
inline void acquire(void*) {}
#endif

}  // namespace simt
