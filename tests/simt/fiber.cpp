#include "tests/simt/fiber.h"

#include <pthread.h>
#include <sys/mman.h>

#include <cstdlib>

#include "tests/simt/sanitizers.h"

#if !defined(SIMT_UCONTEXT)
// Saves the callee-saved registers of the System V x86-64 ABI on the old stack, restores them from the new
// one.
extern "C" void simt_swap_stacks(void** save, void* load);
asm(R"(
    .text
    .p2align 4
    .globl simt_swap_stacks
    .type simt_swap_stacks,@function
simt_swap_stacks:
    .cfi_startproc
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .cfi_endproc
    .size simt_swap_stacks,.-simt_swap_stacks
)");
#endif

namespace simt {
namespace {

constexpr std::size_t guard = 4096;

}  // namespace

void make_stack(Context& fiber, std::size_t size) {
  void* memory = mmap(nullptr, size + guard, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) std::abort();
  fiber.stack = static_cast<char*>(memory) + guard;
  fiber.size = size;
  if (mprotect(fiber.stack, size, PROT_READ | PROT_WRITE) != 0) std::abort();
}

void free_stack(Context& fiber) {
  ASAN_UNPOISON_MEMORY_REGION(fiber.stack, fiber.size);
#if defined(SIMT_TSAN)
  __tsan_destroy_fiber(fiber.tsan);
#endif
  munmap(fiber.stack - guard, fiber.size + guard);
}

bool in_guard_page(const Context& fiber, const void* address) {
  return address >= fiber.stack - guard && address < fiber.stack;
}

void arm(Context& fiber, void (*entry)()) {
  ASAN_UNPOISON_MEMORY_REGION(fiber.stack, fiber.size);  // frames that a fault abandoned left their redzones
  fiber.fake_stack = nullptr;
#if defined(SIMT_TSAN)
  if (fiber.tsan) __tsan_destroy_fiber(fiber.tsan);
  fiber.tsan = __tsan_create_fiber(0);
#endif
#if defined(SIMT_UCONTEXT)
  getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = fiber.stack;
  fiber.context.uc_stack.ss_size = fiber.size;
  fiber.context.uc_link = nullptr;
  makecontext(&fiber.context, entry, 0);
#else
  auto** top = reinterpret_cast<void**>(fiber.stack + fiber.size);
  *--top = nullptr;  // `entry` never returns; this keeps the ABI's 16-byte alignment
  *--top = reinterpret_cast<void*>(entry);
  for (int i = 0; i < 6; ++i) *--top = nullptr;
  fiber.stack_pointer = top;
#endif
}

void adopt_os_thread(Context& context) {
  pthread_attr_t attributes;
  void* stack = nullptr;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &stack, &context.size);
  pthread_attr_destroy(&attributes);
  context.stack = static_cast<char*>(stack);
#if defined(SIMT_TSAN)
  context.tsan = __tsan_get_current_fiber();
#endif
}

void arrived([[maybe_unused]] Context& self) {
#ifdef SIMT_ASAN
  __sanitizer_finish_switch_fiber(self.fake_stack, nullptr, nullptr);
#endif
}

void switch_to(Context& from, Context& to) {
#ifdef SIMT_ASAN
  __sanitizer_start_switch_fiber(&from.fake_stack, to.stack, to.size);
#endif
#if defined(SIMT_TSAN)
  __tsan_switch_to_fiber(to.tsan, __tsan_switch_to_fiber_no_sync);  // only barriers order emulated threads
#endif
#if defined(SIMT_UCONTEXT)
  swapcontext(&from.context, &to.context);
#else
  simt_swap_stacks(&from.stack_pointer, to.stack_pointer);
#endif
  arrived(from);
}

}  // namespace simt
