// Faults planted in small kernels and host sequences. Each runs in a process of its own, since a sanitizer
// ends the process that it catches.
#pragma once

#include <string>
#include <vector>

#include "kernels/cuda/queue.h"
#include "tests/simt/device.h"
#include "tests/simt/support.h"

namespace thaw::planted {

// Which builds notice a fault: the plain one, AddressSanitizer's, ThreadSanitizer's.
enum Build : unsigned { plain = 1, asan = 2, tsan = 4, every = 7 };

// How exactly the report says where: nothing; kernel, block and thread; the source line as well.
enum class Where { host, thread, line };

struct Fault {
  const char* name;
  const char* what;
  void (*run)();       // ends in an Error, or in a fault of the emulator
  const char* report;  // what must be said
  Where where = Where::host;
  unsigned builds = every;
  const char* asan_report = nullptr;  // instead of `report` in that build
  const char* tsan_report = nullptr;
};

std::vector<Fault> threads_that_meet();    // barriers, warp operations, races
std::vector<Fault> memory_accesses();      // bounds, lifetime, alignment, unwritten values
std::vector<Fault> launches();             // limits of the device, grids that miss elements
std::vector<Fault> streams_and_capture();  // order of work, the default stream, graphs

using simt_test::DeviceArray;
using simt_test::TestQueue;

// Runs `kernel` and waits for it. Throws Error with the emulator's report.
template <class... P, class... A>
void run(const TestQueue& q, const char* name, void (*kernel)(P...), unsigned blocks, unsigned threads,
         A... args) {
  cuda::check(::simt::launch(name, kernel, dim3(blocks), dim3(threads), q.queue.stream, args...), "launch");
  q.wait();
}

// Throws Error unless every element is `value`.
inline void expect(const std::vector<float>& y, float value) {
  for (std::size_t i = 0; i < y.size(); ++i)
    if (!(y[i] == value))
      throw Error("wrong value: element " + std::to_string(i) + " is " + std::to_string(y[i]) + ", not " +
                  std::to_string(value));
}

// Runs `kernel` over one array that holds NaN, of which every element must become 1.
inline void fill(const char* name, void (*kernel)(float*), unsigned blocks = 1, unsigned threads = 64,
                 std::size_t elements = 64) {
  const TestQueue q;
  const DeviceArray<float> y(q, elements);
  run(q, name, kernel, blocks, threads, y.data());
  expect(y.host(), 1.0f);
}

}  // namespace thaw::planted
