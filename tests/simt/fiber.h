// Stackful fibers: one switch primitive (own assembly on x86-64, ucontext elsewhere) and the sanitizers'
// annotations.
#pragma once

#include <cstddef>

#if !defined(__x86_64__)
#include <ucontext.h>
#define SIMT_UCONTEXT 1
#endif

namespace simt {

// A stack to switch to: an OS thread's own, or a fiber's.
struct Context {
  char* stack = nullptr;  // lowest address
  std::size_t size = 0;
#if defined(SIMT_UCONTEXT)
  ucontext_t context;
#else
  void* stack_pointer = nullptr;
#endif
  void* fake_stack = nullptr;  // AddressSanitizer's
  void* tsan = nullptr;        // ThreadSanitizer's own thread of execution
};

void make_stack(Context& fiber, std::size_t size);  // with an unmapped guard page below it
void free_stack(Context& fiber);
void arm(Context& fiber, void (*entry)());  // the next switch starts `entry` on an empty stack
void adopt_os_thread(Context& context);
bool in_guard_page(const Context& fiber, const void* address);
void arrived(Context& self);  // the first thing to do on a stack just switched to
void switch_to(Context& from, Context& to);

}  // namespace simt
