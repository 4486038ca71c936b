// What the tests of cuDNN's engines share: offers of the fake, a file of choices, a convolution that says
// which engines ran.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>

#include "kernels/backend.h"
#include "kernels/cuda/conv2d.h"
#include "tests/simt/cudnn_fake.h"
#include "tests/simt/support.h"
#include "tests/support/temp_folder.h"

namespace thaw::simt_test {

namespace fs = std::filesystem;
using ::simt::cudnn::Engine;
using ::simt::cudnn::Integers;

constexpr auto tensor_core = CUDNN_NUMERICAL_NOTE_TENSOR_CORE;
constexpr auto nondeterministic = CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC;
constexpr auto down_convert = CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS;

// The fake offers these engines as long as the object lives.
class Offer {
 public:
  explicit Offer(std::vector<Engine> engines) {
    ::simt::cudnn::set_engines(std::move(engines));
    ::simt::cudnn::take_executed();
  }
  ~Offer() { ::simt::cudnn::set_engines(::simt::cudnn::usual_engines()); }
  Offer(const Offer&) = delete;
  Offer& operator=(const Offer&) = delete;
};

// A file of choices that goes away with the object.
class File {
 public:
  std::string path() const { return folder_.file("cache/plans.tsv"); }
  cuda::PlanFile open(const std::string& device = "emulator, cuDNN 9") const { return {path(), device}; }
  std::string text() const { return testing::read_file(path()); }
  void write(const std::string& text) const {
    fs::create_directories(fs::path(path()).parent_path());
    testing::write_file(path(), text);
  }

 private:
  testing::TempFolder folder_;
};

// Runs one convolution 4 -> 8 of 3x3 in a backend's part of its own, and says which engines ran.
template <class T>
Integers engines_of(const BackendOptions& options, cuda::PlanFile file = {}, std::int64_t size = 7) {
  const TestQueue q;
  const auto pixels = static_cast<std::size_t>(2 * size * size);
  const DeviceArray<T> x(q, random_values<T>(pixels * 4, 1)), w(q, random_values<T>(8 * 9 * 4, 2)),
      y(q, pixels * 8);
  cuda::Pool pool(q.queue, cuda::pool_policy());
  cuda::Convolutions convolutions(q.queue, pool, options, std::move(file));
  Conv2dSpec spec{.in = 4, .out = 8, .kernel_h = 3, .kernel_w = 3};
  spec.padding = 1;
  ::simt::cudnn::take_executed();
  convolutions.run(Conv2dForward{.spec = spec,
                                 .x = view_of(x, 2, size, size, 4, 4),
                                 .weight = {w.data(), dtype_of<T>()},
                                 .y = view_of(y, 2, size, size, 8, 8)});
  q.wait();
  CHECK(::simt::take_fault() == "");
  return ::simt::cudnn::take_executed();
}

inline std::int64_t last_of(const Integers& engines) {
  return engines.empty() ? -1 : engines.back();
}

inline constexpr BackendOptions first_proposal{.cudnn_benchmark = false};

}  // namespace thaw::simt_test
