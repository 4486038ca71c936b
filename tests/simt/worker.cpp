#include "tests/simt/worker.h"

#include "tests/simt/device.h"
#include "tests/simt/sanitizers.h"

constinit thread_local uint3 threadIdx{}, blockIdx{};
constinit thread_local dim3 blockDim{}, gridDim{};

namespace simt {
namespace {

constexpr std::size_t stack_bytes = 256 << 10, arena_bytes = 128 << 10, guard_bytes = 256;
thread_local std::unique_ptr<Worker> this_worker;

// Unwinds the stack of the thread that found a fault.
struct BlockAborted {};

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

}  // namespace

Worker* Worker::current() {
  if (!this_worker) this_worker = std::make_unique<Worker>();
  return this_worker.get();
}

Worker::Worker() : arena_memory_(new char[arena_bytes + 4096]) {
  adopt_os_thread(os_);
  const auto address = reinterpret_cast<std::uintptr_t>(arena_memory_.get());
  arena_ = reinterpret_cast<char*>((address + 4095) & ~std::uintptr_t{4095});
}

Worker::~Worker() {
  ASAN_UNPOISON_MEMORY_REGION(arena_, arena_bytes);
  for (auto& fiber : fibers_) free_stack(*fiber);
}

Context* Worker::idle_fiber() {
  if (idle_.empty()) {
    fibers_.push_back(std::make_unique<Context>());
    make_stack(*fibers_.back(), stack_bytes);
    arm(*fibers_.back(), fiber_main);
    idle_.push_back(fibers_.back().get());
  }
  Context* fiber = idle_.back();
  idle_.pop_back();
  return fiber;
}

void Worker::fiber_main() {
  Worker& worker = *this_worker;
  arrived(*worker.here_);
  try {
    for (;;) {
      threadIdx = worker.index_[worker.self_];
      worker.launch_->body();
      worker.next_after_exit();
    }
  } catch (const BlockAborted&) {
    worker.aborted_ = true;
  }
  worker.go(
      worker.os_);  // after the handler: what is being caught belongs to the OS thread, not to the fiber
  std::abort();     // an abandoned fiber is armed anew, never resumed
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
  switch_to(from, to);
}

void Worker::resume(unsigned thread) {
  Thread& next = threads_[thread];
  if (!next.fiber) next.fiber = idle_fiber();
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
  if (next >= 0 && threads_[static_cast<unsigned>(next)].state == State::fresh) {  // keep this stack
    me.fiber = nullptr;
    threads_[static_cast<unsigned>(next)].fiber = mine;
    threads_[static_cast<unsigned>(next)].state = State::ready;
    enter(static_cast<unsigned>(next));
    return;
  }
  if (next < 0 && live_ > 0) fault("deadlock: no thread of the block can run");
  idle_.push_back(mine);
  if (next < 0)
    go(os_);
  else
    resume(static_cast<unsigned>(next));
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

void Worker::fault(const std::string& text) {
  report_fault(text + waiting_threads() + "\n  in " + describe_current());
  throw BlockAborted{};
}

bool Worker::run_block(const Launch& launch, uint3 block) {
  launch_ = &launch;
  count_ = live_ = launch.block.x * launch.block.y * launch.block.z;
  blockDim = launch.block;
  gridDim = launch.grid;
  blockIdx = block;
  ++epoch_;
  random_ = schedule().seed * 0x9E3779B97F4A7C15u + block.x + 1;
  head_ = tail_ = waiting_ = 0;
  arena_used_ = shared_bytes_ = 0;
  aborted_ = false;
  for (Warp& warp : warps_)
    for (Group& group : warp.groups) group.arrived = 0;
  for (unsigned i = 0; i < count_; ++i) {
    threads_[i] = Thread{};
    index_[i] = {i % launch.block.x, i / launch.block.x % launch.block.y,
                 i / launch.block.x / launch.block.y};
    push(schedule().order == Order::reverse ? count_ - 1 - i : i);
  }
  ASAN_POISON_MEMORY_REGION(arena_, arena_bytes);
  here_ = &os_;
  resume(static_cast<unsigned>(pick()));
  launch_ = nullptr;
  if (aborted_) {
    idle_.clear();
    for (auto& fiber : fibers_) {
      arm(*fiber, fiber_main);
      idle_.push_back(fiber.get());
    }
  }
  return !aborted_;
}

void* Worker::shared_array(SharedSlot& slot, std::size_t bytes, std::size_t alignment) {
  if (slot.epoch == epoch_) return slot.memory;
  const std::size_t align = std::max<std::size_t>(alignment, 16);
  const std::size_t begin = (arena_used_ + guard_bytes + align - 1) / align * align;
  shared_bytes_ += bytes;
  if (shared_bytes_ > shared_limit || begin + bytes + guard_bytes > arena_bytes)
    fault("the block's shared memory is " + std::to_string(shared_bytes_) + " bytes, more than 48 KiB");
  arena_used_ = begin + bytes;
  ASAN_UNPOISON_MEMORY_REGION(arena_ + begin, bytes);
  std::memset(arena_ + begin, 0xFF, bytes);  // NaN as float and bfloat16, -1 as an integer
  slot = {epoch_, arena_ + begin};
  return slot.memory;
}

void Worker::check_barrier(Location where) {
  if (waiting_ > 0 && !same(where, barrier_where_))
    fault("divergent barrier: this thread is at " + at(where) + ", others of its block wait at " +
          at(barrier_where_));
  if (live_ < count_)
    fault(std::to_string(count_ - live_) + " threads had left the kernel before __syncthreads at " +
          at(where));
}

void Worker::barrier(Location where) {
  check_barrier(where);
  barrier_where_ = where;
  Thread& me = threads_[self_];
  me.state = State::at_barrier;
  me.op = Op::barrier;
  me.where = where;
  if (++waiting_ == live_) {
    waiting_ = 0;
    for (unsigned i = 0; i < count_; ++i) {
      const unsigned thread = schedule().order == Order::reverse ? count_ - 1 - i : i;
      threads_[thread].state = State::ready;
      push(thread);
    }
  }
  suspend();
}

Group& Worker::join_group(Warp& warp, Op op, unsigned mask, Location where) {
  const unsigned base = self_ / warp_size * warp_size;
  for (Group& group : warp.groups) {
    if (group.arrived == 0 || (group.mask & mask) == 0) continue;
    if (group.mask != mask || group.op != op || !same(group.where, where))
      fault(std::string("divergent warp: this lane is in ") + op_name(op) + " at " + at(where) +
            ", others wait in " + op_name(group.op) + " at " + at(group.where));
    return group;
  }
  for (unsigned l = 0; l < warp_size; ++l)
    if ((mask >> l & 1) != 0 && (base + l >= count_ || threads_[base + l].state == State::done))
      fault(std::string(op_name(op)) + " at " + at(where) + ": lane " + std::to_string(l) +
            " of the mask does not exist or has left the kernel");
  for (Group& group : warp.groups)
    if (group.arrived == 0) {
      group = {mask, 0, op, where};
      return group;
    }
  fault("more than 4 groups of lanes at once (the emulator's limit)");
}

void Worker::complete(Warp& warp, Group& group) {
  const unsigned base = self_ / warp_size * warp_size;
  std::uint64_t votes = 0;
  for (unsigned l = 0; l < warp_size; ++l)
    if ((group.mask >> l & 1) != 0 && warp.in[l] != 0) votes |= std::uint64_t{1} << l;
  for (unsigned i = 0; i < warp_size; ++i) {
    const unsigned l = schedule().order == Order::reverse ? warp_size - 1 - i : i;
    if ((group.mask >> l & 1) == 0) continue;
    const auto source = static_cast<unsigned>(warp.source[l]);
    if (group.op == Op::shuffle && (group.mask >> source & 1) == 0)
      fault("lane " + std::to_string(l) + " reads lane " + std::to_string(source) +
            ", which is not in the mask, at " + at(group.where));
    warp.out[l] = group.op == Op::shuffle ? warp.in[source] : votes;
    threads_[base + l].state = State::ready;
    push(base + l);
  }
  group.arrived = 0;
}

std::uint64_t Worker::warp_op(Op op, unsigned mask, std::uint64_t value, int source, Location where) {
  Warp& warp = warps_[self_ / warp_size];
  const unsigned l = lane();
  if ((mask >> l & 1) == 0)
    fault(std::string(op_name(op)) + " at " + at(where) + ": the caller is not in the mask");
  Group& group = join_group(warp, op, mask, where);
  warp.in[l] = value;
  warp.source[l] = source;
  group.arrived |= 1u << l;
  Thread& me = threads_[self_];
  me.state = State::at_warp_op;
  me.op = op;
  me.where = where;
  if (group.arrived == mask) complete(warp, group);
  suspend();
  return warp.out[l];
}

void Worker::check_aligned(const void* pointer, std::size_t bytes) {
  if (reinterpret_cast<std::uintptr_t>(pointer) % bytes != 0)
    fault("misaligned access of " + std::to_string(bytes) + " bytes");
}

void check_aligned(const void* pointer, std::size_t bytes) {
  Worker::current()->check_aligned(pointer, bytes);
}
void barrier(Location where) {
  Worker::current()->barrier(where);
}
std::uint64_t warp_op(Op op, unsigned mask, std::uint64_t value, int source, Location where) {
  return Worker::current()->warp_op(op, mask, value, source, where);
}
unsigned lane() {
  return Worker::current()->lane();
}
void* shared_array(SharedSlot& slot, std::size_t bytes, std::size_t alignment) {
  return Worker::current()->shared_array(slot, bytes, alignment);
}

std::string describe_current() {
  const Launch* launch = this_worker ? this_worker->launch() : nullptr;
  if (!launch) return "host code";
  const auto triple = [](const uint3& i) {
    std::string text = "(";
    for (const unsigned value : {i.x, i.y, i.z}) text.append(std::to_string(value)).append(",");
    text.back() = ')';
    return text;
  };
  return "kernel " + launch->name + ", block " + triple(blockIdx) + ", thread " + triple(threadIdx);
}

}  // namespace simt

#ifdef SIMT_ASAN
#include <cstdio>
// AddressSanitizer calls this before it prints its report.
extern "C" void __asan_on_error() {
  std::fprintf(stderr, "emulator: the error below happened in %s\n", simt::describe_current().c_str());
}
#endif
