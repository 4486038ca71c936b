// The only door to oneDNN (2.x): descriptors of Thaw's layouts, and primitives kept under plain keys.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <unordered_map>

#include <oneapi/dnnl/dnnl.hpp>

#include "kernels/ops/conv2d.h"

namespace thaw::cpu {

enum class Op : std::int64_t { conv_forward, conv_backward_data, conv_backward_weight, matmul, reorder };

// What a primitive was built for: the op and every size, stride and flag it depends on; unused places are 0.
struct Key {
  std::array<std::int64_t, 24> values{};
  bool operator==(const Key&) const = default;
};

struct KeyHash {
  std::size_t operator()(const Key& key) const;
};

// A primitive with the memory objects it runs on; the pointers are set anew for each run.
struct Plan {
  dnnl::primitive primitive;
  std::unordered_map<int, dnnl::memory> memories;  // by DNNL_ARG_*
  std::size_t scratchpad_bytes = 0;
  // Weights (or their gradient) in the primitive's own layout, where it is not KRSC.
  bool reorders_weights = false;
  dnnl::primitive reorder;
  dnnl::memory reorder_from, reorder_to;
  std::int64_t turned_block = 0;  // not 0: the layout that turned_block_of names

  void set(int argument, const void* data) { memories.at(argument).set_data_handle(const_cast<void*>(data)); }
  void add(const dnnl::engine& engine, int argument, const dnnl::memory::desc& desc) {
    memories.emplace(argument, dnnl::memory(desc, engine, nullptr));
  }
};

class Dnnl {
 public:
  Dnnl() : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {}

  const dnnl::engine& engine() const { return engine_; }

  // The plan under `key`; `build(plan)` fills it the first time. oneDNN's errors become Error naming `op`.
  Plan& plan(const Key& key, const char* op, const std::function<void(Plan&)>& build);
  void run(Plan& plan);
  // c = a b + beta c, row-major; `transpose_a`: a lies as [k, m]; `transpose_b`: b lies as [n, k].
  void sgemm(const char* op, bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n,
             std::int64_t k, const float* a, std::int64_t a_pitch, const float* b, std::int64_t b_pitch,
             float beta, float* c, std::int64_t c_pitch);
  void reorder(Plan& plan, const void* from, void* to);

 private:
  dnnl::engine engine_;
  dnnl::stream stream_;
  std::unordered_map<Key, std::unique_ptr<Plan>, KeyHash> plans_;
};

dnnl::memory::data_type dnnl_type(DType type);
// Logical [N,C,H,W], packed NHWC.
dnnl::memory::desc activation_desc(DType type, std::int64_t n, std::int64_t c, std::int64_t h,
                                   std::int64_t w);
// Logical OIHW or GOIHW, lying as KRSC.
dnnl::memory::desc weights_desc(const Conv2dSpec& spec, DType type);
// The same with the layout left to oneDNN.
dnnl::memory::desc weights_any(const Conv2dSpec& spec, DType type);
// Rows b of a block where `desc` is KRSC weights in turned blocks of b output channels (Acdb48a and the like;
// bf16: AcdB48a2b, pairs of input channels as one word), else 0. WeightLoops::turn_blocks writes it.
std::int64_t turned_block_of(const Conv2dSpec& spec, const dnnl::memory::desc& desc);
// Row-major matrix [rows, columns], or its transpose, with rows `pitch` elements apart.
dnnl::memory::desc matrix_desc(DType type, std::int64_t rows, std::int64_t columns, std::int64_t pitch);
dnnl::memory::desc transposed_desc(DType type, std::int64_t rows, std::int64_t columns, std::int64_t pitch);

}  // namespace thaw::cpu
