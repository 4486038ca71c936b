// An OS thread of the emulator: it runs one block at a time, the block's threads as fibers. A fiber runs
// until its thread blocks; threads that never block share one fiber, so element-wise kernels cost no stack
// switch. Under ThreadSanitizer every thread of a block has a fiber, and a thread of execution, of its own.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "tests/simt/fiber.h"
#include "tests/simt/shared_arena.h"
#include "tests/simt/simt.h"

namespace simt {

inline constexpr unsigned max_threads = 1024, warp_size = 32;

struct Schedule {
  Order order = Order::forward;
  std::uint64_t seed = 1;
  unsigned workers = 2;
  std::uint64_t first_block = 0, block_count = ~std::uint64_t{0};
};
Schedule& schedule();

enum class State : std::uint8_t { fresh, ready, at_barrier, at_warp_op, done };

struct Thread {
  State state = State::fresh;
  Op op{};
  Context* fiber = nullptr;
  Location where;
};

// Lanes that meet in one warp operation.
struct Group {
  unsigned mask = 0, arrived = 0;
  Op op{};
  Location where;
  unsigned meetings = 0;  // of this group's lanes in this block
};

struct Warp {
  std::array<Group, 4> groups;
  std::array<std::uint64_t, warp_size> in{}, out{};
  std::array<int, warp_size> source{};
};

// One block to run. Its threads happen after start and before end.
struct BlockRun {
  const Launch* launch;
  uint3 index;
  std::uint64_t number;
  void *start, *end;
};

class Worker {
 public:
  static Worker* current();   // made on first use
  static Worker* existing();  // null where no kernel has run
  Worker();
  ~Worker();

  bool run_block(const BlockRun& run);  // false: a fault was reported
  unsigned barrier(bool predicate, Location where);
  std::uint64_t warp_op(Op op, unsigned mask, std::uint64_t value, int source, Location where);
  void check_aligned(const void* pointer, std::size_t bytes);
  unsigned lane() const { return self_ % warp_size; }
  void* shared_array(SharedSlot& slot, std::size_t bytes, std::size_t alignment);
  void* dynamic_shared();
  const Launch* launch() const { return run_.launch; }
  bool overflowed(const void* address) const;  // in the guard page of the running thread's stack
  // Reports a fault of the running thread and leaves its stack as it is, for a signal handler.
  [[noreturn]] void abandon(const std::string& text);

 private:
  static void fiber_main();
  void prepare();
  void make_fibers();
  void rearm();
  Context* idle_fiber();
  Context* fiber_of(unsigned thread);
  void push(unsigned thread) { queue_[tail_++ % max_threads] = static_cast<std::uint16_t>(thread); }
  int pick();
  void enter(unsigned thread);
  void go(Context& to);
  void resume(unsigned thread);
  void suspend();
  void next_after_exit();
  void check_barrier(Location where);
  Group& join_group(Warp& warp, Op op, unsigned mask, Location where);
  void complete(Warp& warp, Group& group);
  void* carve(std::size_t bytes, std::size_t alignment);
  std::string fault_text(const std::string& text) const;
  [[noreturn]] void fault(const std::string& text);
  std::string waiting_threads() const;

  BlockRun run_{};
  unsigned count_ = 0, live_ = 0, waiting_ = 0, self_ = 0, head_ = 0, tail_ = 0;
  unsigned votes_ = 0, answer_ = 0, meetings_ = 0, rotation_ = 0;
  std::array<Thread, max_threads> threads_{};
  std::array<uint3, max_threads> index_{};
  std::array<std::uint16_t, max_threads> queue_{};
  std::array<Warp, max_threads / warp_size> warps_{};
  Location barrier_where_;
  std::uint64_t epoch_ = 0, random_ = 1;
  SharedArena arena_;
  void* dynamic_ = nullptr;
  std::vector<std::unique_ptr<Context>> fibers_;
  std::vector<Context*> idle_;
  Context os_;
  Context* here_ = nullptr;
  bool aborted_ = false;
};

// For messages: "reduce.h:48", "__syncthreads".
std::string at(Location where);
const char* op_name(Op op);
bool same(Location a, Location b);

// Turns an invalid access of an emulated thread into a fault, from this OS thread on.
void watch_invalid_accesses();

}  // namespace simt
