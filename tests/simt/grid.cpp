// Runs the blocks of a grid on a few OS threads, in the order of the schedule.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <thread>

#include "tests/simt/sanitizers.h"
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

struct Grid {
  const Launch& launch;
  std::uint64_t first, blocks;
  BlockOrder order{blocks};
  std::atomic<std::uint64_t> next{0};
  std::atomic<bool> good{true};
  char start = 0, end = 0;  // the meeting points of the host and the grid's threads

  void work() {
    const dim3 extent = launch.grid;
    for (std::uint64_t i = next++; good && i < blocks; i = next++) {
      const std::uint64_t number = first + order.at(i);
      const uint3 index{static_cast<unsigned>(number % extent.x),
                        static_cast<unsigned>(number / extent.x % extent.y),
                        static_cast<unsigned>(number / extent.x / extent.y)};
      if (!Worker::current()->run_block({&launch, index, number, &start, &end})) good = false;
    }
  }
};

// The helping OS threads; they live until the program ends.
class Helpers {
 public:
  static Helpers& instance() {
    static auto* helpers = new Helpers;  // its threads wait in it when the program's objects go away
    return *helpers;
  }
  void run(Grid& grid, unsigned count) {
    {
      const std::lock_guard lock(mutex_);
      for (; size_ < count; ++size_) std::thread(&Helpers::loop, this, size_).detach();
      grid_ = &grid;
      wanted_ = busy_ = count;
      ++round_;
    }
    start_.notify_all();
    grid.work();
    std::unique_lock lock(mutex_);
    finished_.wait(lock, [this] { return busy_ == 0; });
  }

 private:
  void loop(unsigned id) {
    for (std::uint64_t seen = 0;;) {
      std::unique_lock lock(mutex_);
      start_.wait(lock, [&] { return round_ != seen; });
      seen = round_;
      if (id >= wanted_) continue;
      Grid& grid = *grid_;
      lock.unlock();
      grid.work();
      lock.lock();
      if (--busy_ == 0) finished_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable start_, finished_;
  Grid* grid_ = nullptr;
  unsigned size_ = 0, wanted_ = 0, busy_ = 0;
  std::uint64_t round_ = 0;
};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

Schedule from_environment() {
  Schedule s;
  if (const std::string order = variable("SIMT_ORDER"); order == "reverse")
    s.order = Order::reverse;
  else if (order == "random")
    s.order = Order::random;
  else if (!order.empty() && order != "forward")
    throw std::invalid_argument("SIMT_ORDER is " + order + "; it takes forward, reverse or random");
  if (const std::string seed = variable("SIMT_SEED"); !seed.empty())
    s.seed = std::strtoull(seed.c_str(), nullptr, 0);
  if (const std::string workers = variable("SIMT_WORKERS"); !workers.empty())
    s.workers = static_cast<unsigned>(std::max(1ul, std::strtoul(workers.c_str(), nullptr, 0)));
  return s;
}

}  // namespace

Schedule& schedule() {
  static Schedule instance = from_environment();
  return instance;
}

void use_environment_schedule() {
  schedule() = from_environment();
}

void set_order(Order order, std::uint64_t seed) {
  schedule().order = order;
  schedule().seed = seed;
}

void set_workers(unsigned count) {
  schedule().workers = std::max(1u, count);
}

void set_block_window(std::uint64_t first, std::uint64_t count) {
  schedule().first_block = first;
  schedule().block_count = count;
}

void clear_block_window() {
  set_block_window(0, ~std::uint64_t{0});
}

bool run_grid(const Launch& launch) {
  const std::uint64_t all = std::uint64_t{launch.grid.x} * launch.grid.y * launch.grid.z;
  const std::uint64_t first = std::min(all, schedule().first_block);
  const std::uint64_t blocks = std::min(all - first, schedule().block_count);
  // On the heap: a meeting point is an address that no other grid has used.
  const auto grid = std::make_unique<Grid>(launch, first, blocks);
  release(&grid->start);
  const auto workers = static_cast<unsigned>(std::min<std::uint64_t>(schedule().workers, blocks));
  if (workers < 2)
    grid->work();
  else
    Helpers::instance().run(*grid, workers - 1);
  acquire(&grid->end);
  return grid->good;
}

}  // namespace simt
