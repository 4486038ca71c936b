// A stream and an event that are destroyed with their owner.
#pragma once

#include "kernels/cuda/queue.h"

namespace thaw::cuda {

// Does not wait for the default stream.
class Stream {
 public:
  Stream() { check(cudaStreamCreateWithFlags(&handle_, cudaStreamNonBlocking), "creating a stream"); }
  ~Stream() { cudaStreamDestroy(handle_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  cudaStream_t get() const { return handle_; }

 private:
  cudaStream_t handle_ = nullptr;
};

// Stands for the work that its stream held at the last record(); before the first one, for nothing.
class Event {
 public:
  Event() { check(cudaEventCreateWithFlags(&handle_, cudaEventDisableTiming), "creating an event"); }
  ~Event() { cudaEventDestroy(handle_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void record(cudaStream_t stream) { check(cudaEventRecord(handle_, stream), "recording an event"); }
  void hold_back(cudaStream_t stream) const {
    check(cudaStreamWaitEvent(stream, handle_, 0), "ordering two streams");
  }
  void wait() const { check(cudaEventSynchronize(handle_), "waiting for an event"); }

 private:
  cudaEvent_t handle_ = nullptr;
};

}  // namespace thaw::cuda
