// A device: its memory, its copies, record and replay, and the ops of kernels/op_list.h.
//
//   backend(ReluForward{.x = x, .y = y});  // checks shapes and types, then runs
//
// Ops and copies act in the order in which they are queued; `synchronize` waits for them. Host backends are
// done on return.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "kernels/op_list.h"

namespace thaw {

// A step that a backend has recorded. replay() runs it again on the same memory.
class Recording {
 public:
  virtual ~Recording() = default;
  virtual void replay() = 0;
};

// All of a backend but its ops.
class BackendBase {
 public:
  virtual ~BackendBase() = default;
  BackendBase() = default;
  BackendBase(const BackendBase&) = delete;
  BackendBase& operator=(const BackendBase&) = delete;

  virtual std::string name() const = 0;  // "cpu", "cuda", "reference"
  // One line for people: processor or GPU, threads, library versions.
  virtual std::string description() const = 0;
  virtual bool host_memory() const = 0;  // true: pointers may be read and written by the host
  virtual bool supports(DType activations) const = 0;

  // At least `bytes` bytes, aligned to 256. Blocks come from a cache that keeps what is returned to it;
  // contents are unspecified. Where there is no memory it throws OutOfMemory (a host backend Error), which
  // says what was asked and what is in use.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void deallocate(void* pointer, std::size_t bytes) noexcept = 0;
  virtual std::size_t bytes_in_use() const = 0;  // handed out and not returned
  virtual std::size_t peak_bytes() const = 0;    // the most that was ever in use since reset_peak
  virtual void reset_peak() = 0;

  // Ordered; host may change on return. A GPU fetches the bytes beside the ops that were queued before.
  virtual void upload(void* device, const void* host, std::size_t bytes) = 0;
  // Host memory that a GPU fetches uploads from without a copy by the host: page-locked there, else ordinary.
  virtual std::shared_ptr<void> upload_source(std::size_t bytes) {
    return {::operator new(bytes), [](void* memory) { ::operator delete(memory); }};
  }
  virtual void download(void* host, const void* device, std::size_t bytes) = 0;  // waits for the data
  virtual void copy_bytes(void* to, const void* from, std::size_t bytes) = 0;    // device to device
  virtual void zero(void* pointer, std::size_t bytes) = 0;
  virtual void synchronize() = 0;

  // Runs `step` once and keeps it for replay: a CUDA graph on a GPU; a host backend's replay calls `step`
  // again. While recording a step must not allocate from the system, upload, download or synchronize.
  virtual std::unique_ptr<Recording> record(std::function<void()> step);
};

inline std::unique_ptr<Recording> BackendBase::record(std::function<void()> step) {
  struct Again final : Recording {
    explicit Again(std::function<void()> s) : step(std::move(s)) {}
    void replay() override { step(); }
    std::function<void()> step;
  };
  step();
  return std::make_unique<Again>(std::move(step));
}

// Adds one virtual run per op of a list to Base: a chain of classes, so that a backend has one table of them.
template <class Base, class>
class Runs;
template <class Base, class Op>
class Runs<Base, List<Op>> : public Base {
 public:
  virtual void run(const Op& op) = 0;
};
template <class Base, class Op, class... Rest>
class Runs<Base, List<Op, Rest...>> : public Runs<Base, List<Rest...>> {
 public:
  using Runs<Base, List<Rest...>>::run;
  virtual void run(const Op& op) = 0;
};

class Backend : public Runs<BackendBase, Ops> {
 public:
  // Throws Error that names the op where it is malformed, in the same words on every backend. `run` does not
  // check.
  template <class Op>
  void operator()(const Op& op) {
    op.check();
    run(op);
  }
};

// Answers every op of a list by Self::compute(op).
template <class Self, class Base, class>
class Computes;
template <class Self, class Base>
class Computes<Self, Base, List<>> : public Base {};
template <class Self, class Base, class Op, class... Rest>
class Computes<Self, Base, List<Op, Rest...>> : public Computes<Self, Base, List<Rest...>> {
 public:
  using Base::run;
  void run(const Op& op) override { static_cast<Self&>(*this).compute(op); }
};

// The base of every backend: class CpuBackend : public BackendOf<CpuBackend>. A compute that is a template
// over the op serves all of them (counting, recording, timing).
template <class Self>
class BackendOf : public Computes<Self, Backend, Ops> {};

// What a device leaves to choose.
struct BackendOptions {
  // CPU: compute threads (torch.set_num_threads); 0: as many as the machine has.
  int threads = 0;
  // The rest is of GPUs (torch.backends.cudnn.allow_tf32 and .benchmark, torch.backends.cuda.matmul).
  // f32 convolutions and matrix products may round their inputs to TF32 (10 bits of mantissa) for the tensor
  // cores; sums stay f32.
  bool tf32 = false;
  // Time cuDNN's engines where a convolution is new, and keep the fastest on disk for later runs; false: take
  // the first one that cuDNN proposes.
  bool cudnn_benchmark = true;
  // For tests: every convolution runs on this one of the engines that cuDNN proposes for it, counted from 0,
  // or throws NoSuchEngine; nothing is timed.
  std::optional<std::size_t> cudnn_engine = std::nullopt;
};

// `beyond`: there are not so many; else cuDNN proposes the engine and refuses to compile it.
struct NoSuchEngine : Error {
  NoSuchEngine(const std::string& what, bool beyond_last) : Error(what), beyond(beyond_last) {}
  bool beyond;
};

// The backends that this build contains. Each throws Error with the reason if it cannot be had on this
// machine. `threads` <= 0: as many as the machine has.
std::unique_ptr<Backend> make_reference_backend();
std::unique_ptr<Backend> make_cpu_backend(int threads);
std::unique_ptr<Backend> make_cuda_backend(const BackendOptions& options = {});

// Whether a GPU that this build can use answers; else `reason` says why not.
bool cuda_available(std::string* reason);

// "auto", "cpu", "cuda" or "reference". "auto" is cuda where it answers, else cpu where built, else
// reference; the caller tells the user which (Backend::description). Throws Error on another name, and where
// `options` asks another device than cuda for TF32.
std::unique_ptr<Backend> make_backend(const std::string& device, const BackendOptions& options = {});

}  // namespace thaw
