#include "tests/simt/worker.h"

#include <cstdlib>
#include <utility>

#include "tests/simt/device.h"
#include "tests/simt/sanitizers.h"

constinit thread_local uint3 threadIdx{}, blockIdx{};
constinit thread_local dim3 blockDim{}, gridDim{};

namespace simt {
namespace {

constexpr std::size_t stack_bytes = 256 << 10;
thread_local std::unique_ptr<Worker> this_worker;

// Unwinds the stack of the thread that found a fault.
struct BlockAborted {};

}  // namespace

Worker* Worker::current() {
  if (!this_worker) this_worker = std::make_unique<Worker>();
  return this_worker.get();
}

Worker* Worker::existing() {
  return this_worker.get();
}

Worker::Worker() {
  adopt_os_thread(os_);
  watch_invalid_accesses();
}

Worker::~Worker() {
  for (auto& fiber : fibers_) free_stack(*fiber);
}

void Worker::make_fibers() {
  fibers_.push_back(std::make_unique<Context>());
  make_stack(*fibers_.back(), stack_bytes);
  arm(*fibers_.back(), fiber_main);
  idle_.push_back(fibers_.back().get());
}

Context* Worker::idle_fiber() {
  if (idle_.empty()) make_fibers();
  Context* fiber = idle_.back();
  idle_.pop_back();
  return fiber;
}

// Under ThreadSanitizer a thread of one block and that of the next get different fibers: what one fiber does
// is in order, so it could not race with itself.
Context* Worker::fiber_of(unsigned thread) {
  return tsan ? fibers_[(thread + rotation_) % fibers_.size()].get() : idle_fiber();
}

void Worker::rearm() {
  idle_.clear();
  for (auto& fiber : fibers_) {
    arm(*fiber, fiber_main);
    idle_.push_back(fiber.get());
  }
}

void Worker::fiber_main() {
  Worker& worker = *this_worker;
  arrived(*worker.here_);
  try {
    for (;;) {
      threadIdx = worker.index_[worker.self_];
      acquire(worker.run_.start);
      acquire(worker.arena_.meeting(0));
      worker.run_.launch->body();
      release(worker.run_.end);
      worker.next_after_exit();
    }
  } catch (const BlockAborted&) {
    worker.aborted_ = true;
  }
  // After the handler: what is being caught belongs to the OS thread, not to the fiber.
  worker.go(worker.os_);
  std::abort();  // an abandoned fiber is armed anew, never resumed
}

int Worker::pick() {
  if (head_ == tail_) return -1;
  if (schedule().order == Order::random) {
    random_ = random_ * 6364136223846793005u + 1442695040888963407u;
    const auto skip = static_cast<unsigned>(((random_ >> 33) * (tail_ - head_)) >> 31);
    std::swap(queue_[head_ % max_threads], queue_[(head_ + skip) % max_threads]);
  }
  return queue_[head_++ % max_threads];
}

void Worker::enter(unsigned thread) {
  self_ = thread;
  threadIdx = index_[thread];
}

void Worker::go(Context& to) {
  Context& from = *here_;
  here_ = &to;
  if (&from != &os_) release(run_.end);  // a fault may leave this thread standing: the host comes after it
  switch_to(from, to);
}

void Worker::resume(unsigned thread) {
  Thread& next = threads_[thread];
  if (!next.fiber) next.fiber = fiber_of(thread);
  next.state = State::ready;
  enter(thread);
  go(*next.fiber);
}

void Worker::suspend() {
  const unsigned self = self_;
  const int next = pick();
  if (next < 0) fault("deadlock: no thread of the block can run");
  if (static_cast<unsigned>(next) != self) resume(static_cast<unsigned>(next));
  enter(self);
}

void Worker::next_after_exit() {
  Thread& me = threads_[self_];
  me.state = State::done;
  --live_;
  if (waiting_ > 0 && waiting_ == live_)
    fault(std::to_string(count_ - live_) + " of " + std::to_string(count_) +
          " threads left the kernel while the others wait in __syncthreads at " + at(barrier_where_));
  Context* mine = me.fiber;
  const int next = pick();
  if (!tsan && next >= 0 && threads_[static_cast<unsigned>(next)].state == State::fresh) {
    me.fiber = nullptr;  // keep this stack
    threads_[static_cast<unsigned>(next)].fiber = mine;
    threads_[static_cast<unsigned>(next)].state = State::ready;
    enter(static_cast<unsigned>(next));
    return;
  }
  if (next < 0 && live_ > 0) fault("deadlock: no thread of the block can run");
  if (!tsan) idle_.push_back(mine);
  if (next < 0)
    go(os_);
  else
    resume(static_cast<unsigned>(next));
}

void Worker::fault(const std::string& text) {
  report_fault(fault_text(text));
  throw BlockAborted{};
}

void Worker::abandon(const std::string& text) {
  report_fault(fault_text(text));
  aborted_ = true;
  go(os_);
  std::abort();
}

bool Worker::overflowed(const void* address) const {
  return here_ && here_ != &os_ && in_guard_page(*here_, address);
}

void Worker::prepare() {
  const Launch& launch = *run_.launch;
  count_ = live_ = launch.block.x * launch.block.y * launch.block.z;
  blockDim = launch.block;
  gridDim = launch.grid;
  blockIdx = run_.index;
  ++epoch_;
  random_ = schedule().seed * 0x9E3779B97F4A7C15u + run_.number + 1;
  head_ = tail_ = waiting_ = votes_ = meetings_ = 0;
  aborted_ = false;
  for (Warp& warp : warps_)
    for (Group& group : warp.groups) group.arrived = group.meetings = 0;
  for (unsigned i = 0; i < count_; ++i) {
    threads_[i] = Thread{};
    index_[i] = {i % launch.block.x, i / launch.block.x % launch.block.y,
                 i / launch.block.x / launch.block.y};
    push(schedule().order == Order::reverse ? count_ - 1 - i : i);
  }
  while (tsan && fibers_.size() < count_) make_fibers();  // a fiber happens after what its maker did
  rotation_ += 7;
  arena_.begin_block();
  dynamic_ = launch.dynamic_shared > 0 ? arena_.carve(launch.dynamic_shared, 128) : nullptr;
  release(arena_.meeting(0));
}

bool Worker::run_block(const BlockRun& run) {
  run_ = run;
  prepare();
  here_ = &os_;
  resume(static_cast<unsigned>(pick()));
  if (!aborted_)
    if (const std::string text = arena_.damage(); !text.empty()) {
      report_fault(text + "\n  in " + describe_current());
      aborted_ = true;
    }
  run_.launch = nullptr;
  if (aborted_) rearm();
  return !aborted_;
}

void* Worker::carve(std::size_t bytes, std::size_t alignment) {
  const std::size_t limit = run_.launch->shared_limit, sum = arena_.bytes() + bytes;
  void* memory = sum > limit ? nullptr : arena_.carve(bytes, alignment);
  if (!memory)
    fault("the block's shared memory is " + std::to_string(sum) + " bytes, more than " +
          std::to_string(limit >> 10) + " KiB");
  return memory;
}

void* Worker::shared_array(SharedSlot& slot, std::size_t bytes, std::size_t alignment) {
  if (slot.epoch != epoch_) slot = {epoch_, carve(bytes, alignment)};
  return slot.memory;
}

void* Worker::dynamic_shared() {
  if (!dynamic_) fault("dynamic shared memory is used, but the launch asked for none");
  return dynamic_;
}

}  // namespace simt
