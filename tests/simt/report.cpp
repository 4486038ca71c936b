// What a fault says: where the threads of its block stand, and which thread found it. The sanitizers' reports
// and invalid accesses get the same.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/simt/device.h"
#include "tests/simt/memory.h"
#include "tests/simt/sanitizers.h"
#include "tests/simt/source_line.h"
#include "tests/simt/worker.h"

namespace simt {

const char* op_name(Op op) {
  constexpr const char* names[] = {"__syncthreads", "__syncwarp", "a shuffle", "__ballot_sync"};
  return names[static_cast<int>(op)];
}

std::string at(Location where) {
  const std::string path = where.file;
  return path.substr(path.rfind('/') + 1) + ":" + std::to_string(where.line);
}

bool same(Location a, Location b) {
  return a.line == b.line && std::strcmp(a.file, b.file) == 0;
}

std::string Worker::waiting_threads() const {
  std::string text;
  for (unsigned begin = 0, end = 0; begin < count_; begin = end) {
    const Thread& first = threads_[begin];
    const bool waits = first.state == State::at_barrier || first.state == State::at_warp_op;
    for (end = begin + 1; end < count_; ++end) {
      const Thread& other = threads_[end];
      if (other.state != first.state || (waits && (other.op != first.op || !same(other.where, first.where))))
        break;
    }
    text += "\n  threads " + std::to_string(begin) + "-" + std::to_string(end - 1) + ": ";
    text += waits ? std::string("wait in ") + op_name(first.op) + " at " + at(first.where)
            : first.state == State::done ? "left the kernel"
                                         : "run";
    if (text.size() > 1500) return text + "\n  ...";
  }
  return text;
}

std::string Worker::fault_text(const std::string& text) const {
  return text + waiting_threads() + "\n  in " + describe_current();
}

std::string describe_current() {
  const Launch* launch = Worker::existing() ? Worker::existing()->launch() : nullptr;
  if (!launch) return "host code";
  const auto triple = [](const uint3& i) {
    std::string text = "(";
    for (const unsigned value : {i.x, i.y, i.z}) text.append(std::to_string(value)).append(",");
    text.back() = ')';
    return text;
  };
  return "kernel " + launch->name + ", block " + triple(blockIdx) + ", thread " + triple(threadIdx);
}

#if defined(SIMT_ASAN)

void watch_invalid_accesses() {}  // AddressSanitizer reports them, with the line

#elif defined(SIMT_TSAN)

// ThreadSanitizer reports them, with the line, and then dies.
void watch_invalid_accesses() {
  __sanitizer_set_death_callback(
      [] { std::fprintf(stderr, "emulator: the program ended in %s\n", describe_current().c_str()); });
}

#else

namespace {

[[noreturn]] void refuse(const std::string& text) {
  std::fprintf(stderr, "emulator: %s in %s\n", text.c_str(), describe_current().c_str());
  std::_Exit(1);
}

void invalid_access(int, siginfo_t* info, void* context) {
  Worker* worker = Worker::existing();
  const bool in_kernel = worker && worker->launch();
  const std::string text =
      in_kernel && worker->overflowed(info->si_addr)
          ? "the stack of an emulated thread overflowed"
          : "invalid access to " + DeviceMemory::instance().describe(info->si_addr) + source_line(context);
  if (!in_kernel) refuse(text);
  worker->abandon(text);
}

}  // namespace

void watch_invalid_accesses() {
  // The handler needs a stack of its own when an emulated thread's has overflowed.
  constexpr std::size_t bytes = 128 << 10;
  thread_local std::unique_ptr<char[]> memory(new char[bytes]);
  stack_t stack{};
  stack.ss_sp = memory.get();
  stack.ss_size = bytes;
  sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  action.sa_sigaction = invalid_access;
  sigaction(SIGSEGV, &action, nullptr);
}

#endif

}  // namespace simt

#if defined(SIMT_ASAN)
// AddressSanitizer calls this before it prints its report.
extern "C" void __asan_on_error() {
  std::fprintf(stderr, "emulator: the error below happened in %s\n", simt::describe_current().c_str());
}
#elif defined(SIMT_TSAN)
// ThreadSanitizer calls this after it has printed its report.
extern "C" void __tsan_on_report(void*) {
  std::fprintf(stderr, "emulator: the report above is about %s\n", simt::describe_current().c_str());
}
#endif
