// The Backend for processors: oneDNN for convolutions and matrix products, own vectorised loops for
// everything else.
#pragma once

#include <omp.h>

#include <algorithm>
#include <string>

#include "kernels/backend.h"
#include "kernels/cpu/block_cache.h"
#include "kernels/cpu/dnnl.h"
#include "kernels/cpu/loops.h"

namespace thaw::cpu {

struct Range {
  Index begin, end;
};

// Part `part` of [0, count) cut into `parts` nearly equal runs.
constexpr Range part_of(Index count, Index part, Index parts) {
  const Index size = count / parts, rest = count % parts;
  const Index begin = part * size + std::min(part, rest);
  return {begin, begin + size + (part < rest ? 1 : 0)};
}

// A block of the cache for the length of one op.
class Scratch {
 public:
  Scratch(BlockCache& cache, std::size_t bytes)
      : cache_(cache), data_(bytes == 0 ? nullptr : cache.allocate(bytes)) {}
  ~Scratch() { cache_.deallocate(data_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  void* data() const { return data_; }
  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  BlockCache& cache_;
  void* data_;
};

// c (+)= act(a b + bias + residual) of row-major matrices: a view [N,1,1,C] or [N,H,W,C] is a matrix of as
// many rows as it has pixels and c columns.
struct Product {
  ConstView a;
  bool transpose_a = false;
  ConstView b;
  bool transpose_b = false;
  View c;
  const float* bias = nullptr;  // one value per column
  ConstView residual{};
  Activation activation = Activation::none;
  bool add = false;
  const char* op = "matmul";
};

class CpuBackend final : public BackendOf<CpuBackend> {
 public:
  explicit CpuBackend(int threads);

  std::string name() const override { return "cpu"; }
  std::string description() const override;
  bool host_memory() const override { return true; }
  bool supports(DType activations) const override;

  void* allocate(std::size_t bytes) override { return cache_.allocate(bytes); }
  void deallocate(void* pointer, std::size_t) noexcept override { cache_.deallocate(pointer); }
  std::size_t bytes_in_use() const override { return cache_.bytes_in_use(); }
  std::size_t peak_bytes() const override { return cache_.peak_bytes(); }
  void reset_peak() override { cache_.reset_peak(); }
  void upload(void* device, const void* host, std::size_t bytes) override;
  void download(void* host, const void* device, std::size_t bytes) override;
  void copy_bytes(void* to, const void* from, std::size_t bytes) override;
  void zero(void* pointer, std::size_t bytes) override;
  void synchronize() override {}

  // Specialised for each op in the file of its family. A missing one is named by the linker.
  template <class Op>
  void compute(const Op& op);

  BlockCache& cache() { return cache_; }

 private:
  // f(range, part) for the parts of [0, count), at least `grain` each where there are several; part p on
  // thread p. The parts depend on count, grain and the number of threads alone: equal bits in every run.
  template <class F>
  void parallel(Index count, Index grain, F f) const {
    const Index parts = parts_for(count, grain);
    if (parts == 1) {
      f(Range{0, count}, 0);
      return;
    }
#pragma omp parallel num_threads(static_cast <int>(parts))
    {
      // Where OpenMP grants fewer threads than asked for, each takes several parts.
      for (Index part = omp_get_thread_num(); part < parts; part += omp_get_num_threads()) {
        f(part_of(count, part, parts), part);
      }
    }
  }
  Index parts_for(Index count, Index grain) const {
    return std::clamp<Index>(grain <= 0 ? count : count / grain, 1, threads_);
  }
  // Pixels that are worth a thread of their own.
  static Index pixel_grain(Index channels) {
    return std::max<Index>(1, 8192 / std::max<Index>(1, channels));
  }

  const Loops& loops(DType type) const {
    return type == DType::f32 ? tables_.f32 : tables_.bf16;
  }
  void execute(Plan& plan);
  void product(const Product& p);
  // The weights in the layout of `plan`'s primitive, written to `to`.
  void arrange_weights(Plan& plan, const Conv2dSpec& spec, const Weights& weight, void* to);
  void convolve(const Conv2dSpec& spec, const ConstView& x, const Weights& weight, const float* bias,
                const ConstView& residual, Activation activation, const View& y);

  int threads_;
  Isa isa_;
  LoopTables tables_;
  BlockCache cache_;
  Dnnl dnnl_;
};

// `view` itself where it is packed and of `type`, else a packed copy for the length of one op.
class PackedInput {
 public:
  PackedInput(CpuBackend& backend, const ConstView& view, DType type);
  const ConstView& view() const { return view_; }

 private:
  Scratch scratch_;
  ConstView view_;
};

// Where an op may write packed values: `view` itself where it is packed, else a temporary that finish()
// copies there.
class PackedOutput {
 public:
  PackedOutput(CpuBackend& backend, const View& view);
  const View& view() const { return view_; }
  void finish();

 private:
  CpuBackend& backend_;
  Scratch scratch_;
  View target_, view_;
};

// The matrix [rows, columns] of `data`, rows `columns` elements apart.
template <class V, class Pointer>
V matrix(Pointer data, DType type, Index rows, Index columns) {
  V view;
  view.data = data;
  view.type = type;
  view.n = rows;
  view.c = columns;
  view.pitch = columns;
  return view;
}

}  // namespace thaw::cpu
