// Runs the blocks of a grid on a few OS threads, in the order of the schedule.
#include <atomic>
#include <numeric>
#include <thread>

#include "tests/simt/worker.h"

namespace simt {
namespace {

// Visits every block once: forward, backward, or with a stride coprime to their number.
class BlockOrder {
 public:
  explicit BlockOrder(std::uint64_t blocks) : blocks_(blocks) {
    if (schedule().order != Order::random || blocks < 3) return;
    step_ = schedule().seed * 2654435761u % blocks;
    while (step_ == 0 || std::gcd(step_, blocks) != 1) ++step_;
    offset_ = schedule().seed % blocks;
  }
  std::uint64_t at(std::uint64_t i) const {
    if (schedule().order == Order::reverse) return blocks_ - 1 - i;
    return (i * step_ + offset_) % blocks_;
  }

 private:
  std::uint64_t blocks_, step_ = 1, offset_ = 0;
};

}  // namespace

Schedule& schedule() {
  static Schedule instance;
  return instance;
}

void set_order(Order order, std::uint64_t seed) {
  schedule().order = order;
  schedule().seed = seed;
}

void set_workers(unsigned count) {
  schedule().workers = count > 0 ? count : 1;
}

bool run_grid(const Launch& launch) {
  const std::uint64_t blocks = std::uint64_t{launch.grid.x} * launch.grid.y * launch.grid.z;
  const BlockOrder order(blocks);
  std::atomic<std::uint64_t> next{0};
  std::atomic<bool> good{true};
  const auto work = [&] {
    for (std::uint64_t i = next++; good && i < blocks; i = next++) {
      const std::uint64_t block = order.at(i);
      const uint3 index{static_cast<unsigned>(block % launch.grid.x),
                        static_cast<unsigned>(block / launch.grid.x % launch.grid.y),
                        static_cast<unsigned>(block / launch.grid.x / launch.grid.y)};
      if (!Worker::current()->run_block(launch, index)) good = false;
    }
  };
  std::vector<std::thread> helpers;
  for (unsigned i = 1; i < schedule().workers && i < blocks; ++i) helpers.emplace_back(work);
  work();
  for (std::thread& helper : helpers) helper.join();
  return good;
}

}  // namespace simt
