// The emulated device's streams and the fault it may be in.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tests/simt/simt.h"

struct CUgraph_st {
  std::vector<std::function<void()>> operations;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;  // while it is captured
  bool broken = false;                                       // the capture cannot be ended any more
};
struct CUgraphExec_st {
  std::vector<std::function<void()>> operations;
};

// Work waits in its stream until the rules, or the order of the streams, have it run.
struct CUstream_st {
  struct Point {
    CUstream_st* stream = nullptr;
    std::uint64_t upto = 0;  // so many operations of the stream
  };
  struct Work {
    std::function<void()> run;
    std::vector<Point> after;
  };
  std::deque<Work> queue;
  std::vector<Point> waits;  // of what is queued next
  std::uint64_t queued = 0, done = 0;
  CUgraph_st* capture = nullptr;
};

struct CUevent_st {
  CUstream_st::Point point;
  bool timed = true;
  std::shared_ptr<double> time = std::make_shared<double>();  // of the device's clock, in milliseconds
};

namespace simt {

class Runtime {
 public:
  using Lock = std::lock_guard<std::recursive_mutex>;
  static Runtime& instance();

  Lock lock() { return Lock(mutex_); }
  cudaError_t answer(cudaError_t error);  // `error`, or the fault that the device is in
  cudaError_t take_last();
  cudaError_t sticky() const;
  std::string fault() const;
  void report(const std::string& text);
  std::string take_fault();

  CUstream_st* add_stream();
  void remove_stream(CUstream_st* stream);
  bool usable(CUstream_st* stream);  // a stream of ours; a fault if it is the default stream
  // What memory calls do to captures: those that are not relaxed break, and the call answers an error. (The
  // emulator's programs capture and allocate in one thread, so the mode of a thread is that of all.)
  cudaError_t break_captures();
  void add(CUstream_st* stream, std::function<void()> operation);
  void wait(CUstream_st* stream, std::uint64_t upto);
  void wait(CUstream_st* stream) { wait(stream, stream->queued); }
  void wait_all();
  void step(CUstream_st* stream);  // runs one operation; a stream that is polled gets on
  void set_streams(Streams streams, std::uint64_t seed);
  void use_environment();

  // The device's clock, which stands still but for what add_device_time() says.
  double milliseconds = 0;

  // Page-locked memory, by its start.
  std::map<const char*, std::size_t> pinned;
  bool is_pinned(const void* pointer) const;
  std::uint64_t allocations = 0;  // calls of cudaMalloc and cudaHostAlloc

 private:
  Runtime();
  void run(CUstream_st::Work work);
  std::uint64_t next_random();

  std::recursive_mutex mutex_;
  mutable std::mutex fault_mutex_;  // blocks report from several OS threads
  std::string fault_;
  cudaError_t sticky_ = cudaSuccess, last_ = cudaSuccess;
  std::vector<CUstream_st*> streams_;
  Streams order_ = Streams::eager;
  std::uint64_t random_ = 1;
};

void use_environment_schedule();

}  // namespace simt
