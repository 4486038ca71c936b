// An OS thread of the emulator: it runs one block at a time, the block's threads as fibers. A fiber runs
// until its thread blocks; threads that never block share one fiber, so element-wise kernels cost no stack
// switch.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "tests/simt/fiber.h"
#include "tests/simt/simt.h"

namespace simt {

inline constexpr unsigned max_threads = 1024, warp_size = 32;
inline constexpr std::size_t shared_limit = 48 << 10;  // bytes of static shared memory that a block may have

struct Schedule {
  Order order = Order::forward;
  std::uint64_t seed = 1;
  unsigned workers = 2;
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
};

struct Warp {
  std::array<Group, 4> groups;
  std::array<std::uint64_t, warp_size> in{}, out{};
  std::array<int, warp_size> source{};
};

class Worker {
 public:
  static Worker* current();  // null outside a kernel's grid
  Worker();
  ~Worker();

  bool run_block(const Launch& launch, uint3 block);  // false: a fault was reported
  void barrier(Location where);
  std::uint64_t warp_op(Op op, unsigned mask, std::uint64_t value, int source, Location where);
  void check_aligned(const void* pointer, std::size_t bytes);
  unsigned lane() const { return self_ % warp_size; }
  void* shared_array(SharedSlot& slot, std::size_t bytes, std::size_t alignment);
  const Launch* launch() const { return launch_; }

 private:
  static void fiber_main();
  Context* idle_fiber();
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
  [[noreturn]] void fault(const std::string& text);
  std::string waiting_threads() const;

  const Launch* launch_ = nullptr;
  unsigned count_ = 0, live_ = 0, waiting_ = 0, self_ = 0, head_ = 0, tail_ = 0;
  std::array<Thread, max_threads> threads_{};
  std::array<uint3, max_threads> index_{};
  std::array<std::uint16_t, max_threads> queue_{};
  std::array<Warp, max_threads / warp_size> warps_{};
  Location barrier_where_;
  std::uint64_t epoch_ = 0, random_ = 1;
  std::unique_ptr<char[]> arena_memory_;
  char* arena_ = nullptr;
  std::size_t arena_used_ = 0, shared_bytes_ = 0;
  std::vector<std::unique_ptr<Context>> fibers_;
  std::vector<Context*> idle_;
  Context os_;
  Context* here_ = nullptr;
  bool aborted_ = false;
};

}  // namespace simt
