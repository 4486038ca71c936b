#include "tests/simt/runtime.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "tests/simt/memory.h"
#include "tests/simt/worker.h"

namespace simt {

Runtime& Runtime::instance() {
  static auto* runtime = new Runtime;  // outlives every object of the program
  return *runtime;
}

Runtime::Runtime() {
  use_environment();
}

void Runtime::use_environment() {
  const char* order = std::getenv("SIMT_STREAMS");
  const std::string name = order ? order : "eager";
  if (name != "eager" && name != "lazy" && name != "random")
    throw std::invalid_argument("SIMT_STREAMS is " + name + "; it takes eager, lazy or random");
  set_streams(name == "lazy"     ? Streams::lazy
              : name == "random" ? Streams::random
                                 : Streams::eager,
              schedule().seed);
  if (const char* closed = std::getenv("SIMT_PROTECT"))
    DeviceMemory::instance().set_protected(std::string(closed) == "1");
}

void Runtime::set_streams(Streams streams, std::uint64_t seed) {
  wait_all();
  order_ = streams;
  random_ = seed;
}

std::uint64_t Runtime::next_random() {
  random_ = random_ * 6364136223846793005u + 1442695040888963407u;
  return random_ >> 33;
}

cudaError_t Runtime::sticky() const {
  const std::lock_guard lock(fault_mutex_);
  return sticky_;
}

std::string Runtime::fault() const {
  const std::lock_guard lock(fault_mutex_);
  return fault_;
}

cudaError_t Runtime::answer(cudaError_t error) {
  const std::lock_guard lock(fault_mutex_);
  if (error == cudaSuccess) error = sticky_;
  if (error != cudaSuccess && error != cudaErrorNotReady) last_ = error;
  return error;
}

cudaError_t Runtime::take_last() {
  const std::lock_guard lock(fault_mutex_);
  return std::exchange(last_, sticky_);
}

void Runtime::report(const std::string& text) {
  const std::lock_guard lock(fault_mutex_);
  if (fault_.empty()) fault_ = text;
  sticky_ = cudaErrorLaunchFailure;
}

std::string Runtime::take_fault() {
  const Lock lock(mutex_);
  wait_all();
  const std::lock_guard fault_lock(fault_mutex_);
  sticky_ = last_ = cudaSuccess;
  return std::exchange(fault_, {});
}

CUstream_st* Runtime::add_stream() {
  streams_.push_back(new CUstream_st);
  return streams_.back();
}

void Runtime::remove_stream(CUstream_st* stream) {
  wait(stream);
  streams_.erase(std::find(streams_.begin(), streams_.end(), stream));
  delete stream;
}

bool Runtime::usable(CUstream_st* stream) {
  if (!stream || stream == cudaStreamLegacy || stream == cudaStreamPerThread) {
    report("work on the default stream, in " + describe_current());
    return false;
  }
  if (std::find(streams_.begin(), streams_.end(), stream) != streams_.end()) return true;
  report("work on a stream that has been destroyed");
  return false;
}

cudaError_t Runtime::break_captures() {
  bool any = false;
  for (CUstream_st* stream : streams_)
    if (stream->capture && stream->capture->mode != cudaStreamCaptureModeRelaxed)
      any = stream->capture->broken = true;
  return any ? answer(cudaErrorStreamCaptureUnsupported) : cudaSuccess;
}

void Runtime::add(CUstream_st* stream, std::function<void()> operation) {
  if (stream->capture) {
    if (!stream->waits.empty())
      report(
          "a captured stream waits for an event of another stream: the emulator captures one stream at a "
          "time");
    stream->capture->operations.push_back(std::move(operation));
    return;
  }
  stream->queue.push_back({std::move(operation), std::exchange(stream->waits, {})});
  ++stream->queued;
  if (order_ == Streams::eager) wait(stream);
  if (order_ == Streams::random)
    for (std::uint64_t steps = next_random() % 4; steps > 0; --steps)
      step(streams_[next_random() % streams_.size()]);
}

void Runtime::run(CUstream_st::Work work) {
  for (const CUstream_st::Point& point : work.after)
    if (std::find(streams_.begin(), streams_.end(), point.stream) != streams_.end())
      wait(point.stream, point.upto);
  if (sticky() != cudaSuccess) return;  // after a fault the device runs nothing more
  DeviceMemory::instance().open();
  work.run();
  DeviceMemory::instance().close();
}

void Runtime::step(CUstream_st* stream) {
  if (stream->queue.empty()) return;
  CUstream_st::Work work = std::move(stream->queue.front());
  stream->queue.pop_front();
  run(std::move(work));
  ++stream->done;
}

void Runtime::wait(CUstream_st* stream, std::uint64_t upto) {
  while (stream->done < upto && !stream->queue.empty()) step(stream);
}

void Runtime::wait_all() {
  for (CUstream_st* stream : streams_) wait(stream);
}

bool Runtime::is_pinned(const void* pointer) const {
  auto it = pinned.upper_bound(static_cast<const char*>(pointer));
  if (it == pinned.begin()) return false;
  --it;
  return static_cast<const char*>(pointer) < it->first + it->second;
}

// ---- the free functions of simt.h

unsigned multiprocessors() {
  static const unsigned count = [] {
    const char* text = std::getenv("SIMT_MULTIPROCESSORS");
    const int number = text ? std::atoi(text) : 1;  // few blocks, so that grid-stride loops loop
    if (number < 1) throw std::invalid_argument(std::string("SIMT_MULTIPROCESSORS is ") + text);
    return static_cast<unsigned>(number);
  }();
  return count;
}

void report_fault(const std::string& text) {
  Runtime::instance().report(text);
}

std::string take_fault() {
  return Runtime::instance().take_fault();
}

void set_streams(Streams streams, std::uint64_t seed) {
  const auto lock = Runtime::instance().lock();
  Runtime::instance().set_streams(streams, seed);
}

void use_environment() {
  use_environment_schedule();
  const auto lock = Runtime::instance().lock();
  Runtime::instance().use_environment();
}

cudaError_t enqueue(cudaStream_t stream, std::function<void()> operation) {
  Runtime& r = Runtime::instance();
  const auto lock = r.lock();
  if (!r.usable(stream)) return r.answer(cudaErrorInvalidResourceHandle);
  if (r.sticky() == cudaSuccess) r.add(stream, std::move(operation));
  return r.answer(cudaSuccess);
}

float rounded_to_tf32(float value) {
  if (!std::isfinite(value)) return value;
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(value) + 0x1000u) & ~0x1FFFu);
}

void add_device_time(double milliseconds) {
  Runtime& r = Runtime::instance();
  const auto lock = r.lock();
  r.milliseconds += milliseconds;
}

}  // namespace simt
