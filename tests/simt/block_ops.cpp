// Where the threads of a block meet: barriers and warp operations.
#include "tests/simt/device.h"
#include "tests/simt/sanitizers.h"
#include "tests/simt/worker.h"

namespace simt {

void Worker::check_barrier(Location where) {
  if (waiting_ > 0 && !same(where, barrier_where_))
    fault("divergent barrier: this thread is at " + at(where) + ", others of its block wait at " +
          at(barrier_where_));
  if (live_ < count_)
    fault(std::to_string(count_ - live_) + " threads had left the kernel before __syncthreads at " +
          at(where));
}

unsigned Worker::barrier(bool predicate, Location where) {
  check_barrier(where);
  barrier_where_ = where;
  Thread& me = threads_[self_];
  me.state = State::at_barrier;
  me.op = Op::barrier;
  me.where = where;
  void* meeting = arena_.meeting(1 + meetings_ % 2);
  release(meeting);
  votes_ += predicate;
  if (++waiting_ == live_) {
    answer_ = votes_;
    waiting_ = votes_ = 0;
    ++meetings_;
    for (unsigned i = 0; i < count_; ++i) {
      const unsigned thread = schedule().order == Order::reverse ? count_ - 1 - i : i;
      threads_[thread].state = State::ready;
      push(thread);
    }
  }
  suspend();
  acquire(meeting);
  return answer_;
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
      group.mask = mask;
      group.op = op;
      group.where = where;
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
  ++group.meetings;
}

// Of the warp operations only __syncwarp orders memory; a shuffle or a vote does not.
std::uint64_t Worker::warp_op(Op op, unsigned mask, std::uint64_t value, int source, Location where) {
  const unsigned warp_index = self_ / warp_size, l = lane();
  Warp& warp = warps_[warp_index];
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
  const auto group_index = static_cast<std::size_t>(&group - warp.groups.data());
  void* meeting = arena_.meeting(4 + 8 * warp_index + 2 * group_index + group.meetings % 2);
  if (op == Op::warp_barrier) release(meeting);
  if (group.arrived == mask) complete(warp, group);
  suspend();
  if (op == Op::warp_barrier) acquire(meeting);
  return warp.out[l];
}

void Worker::check_aligned(const void* pointer, std::size_t bytes) {
  if (reinterpret_cast<std::uintptr_t>(pointer) % bytes != 0)
    fault("misaligned access of " + std::to_string(bytes) + " bytes");
}

void check_aligned(const void* pointer, std::size_t bytes) {
  Worker::current()->check_aligned(pointer, bytes);
}
unsigned barrier(bool predicate, Location where) {
  return Worker::current()->barrier(predicate, where);
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
void* dynamic_shared() {
  return Worker::current()->dynamic_shared();
}

}  // namespace simt
