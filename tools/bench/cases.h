// The ops that `bench` times.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/backend.h"
#include "tools/bench/layers.h"
#include "tools/bench/timed_ops.h"

namespace thaw::bench {

struct Case {
  std::string op, shape;
  int count;            // how often a network has it
  double flops, bytes;  // as Cost says; read and written together
  std::function<void()> run;
};

// Memory for the cases, filled with small numbers; returned at the end.
class Buffers {
 public:
  explicit Buffers(Backend& backend) : backend_(backend) {}
  Buffers(const Buffers&) = delete;
  Buffers& operator=(const Buffers&) = delete;
  ~Buffers() {
    for (const auto& [pointer, bytes] : blocks_) backend_.deallocate(pointer, bytes);
  }

  View view(std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c, DType type) {
    View v;
    v.type = type;
    v.n = n;
    v.h = h;
    v.w = w;
    v.c = v.pitch = c;
    v.data = fill(static_cast<std::size_t>(v.elements()), type);
    return v;
  }
  float* floats(std::int64_t count) {
    return static_cast<float*>(fill(static_cast<std::size_t>(count), DType::f32));
  }
  std::uint8_t* bytes(std::int64_t count) {
    const auto size = static_cast<std::size_t>(count);
    void* data = take(size);
    backend_.zero(data, size);
    return static_cast<std::uint8_t*>(data);
  }

 private:
  void* take(std::size_t bytes) {
    void* data = backend_.allocate(bytes);
    blocks_.emplace_back(data, bytes);
    return data;
  }
  // The host makes the first million; the device repeats them, which takes no time beside an upload of all.
  void* fill(std::size_t count, DType type) {
    const std::size_t made = std::min(count, std::size_t{1} << 20), item = item_size(type);
    void* data = take(count * item);
    std::vector<float> values(type == DType::f32 ? made : 0);
    std::vector<bf16> halves(type == DType::f32 ? 0 : made);
    std::uint32_t state = 1;
    for (std::size_t i = 0; i < made; ++i) {
      state = state * 1664525u + 1013904223u;
      const float value = static_cast<float>(state >> 8) * 0x1p-24f + 0.01f;
      if (type == DType::f32) {
        values[i] = value;
      } else {
        halves[i] = bf16(value);
      }
    }
    const void* host = type == DType::f32 ? static_cast<const void*>(values.data()) : halves.data();
    backend_.upload(data, host, made * item);
    for (std::size_t there = made; there < count; there *= 2)
      backend_.copy_bytes(static_cast<std::byte*>(data) + there * item, data,
                          std::min(there, count - there) * item);
    return data;
  }

  Backend& backend_;
  std::vector<std::pair<void*, std::size_t>> blocks_;
};

template <class Op>
Case case_of(Backend& backend, const Op& op, const std::string& shape, int count) {
  static_assert(is_listed<Op>(TimedOps()));
  const Cost cost = op.cost();
  return {Op::name,
          shape,
          count,
          static_cast<double>(cost.flops),
          static_cast<double>(cost.read + cost.written),
          [&backend, op] { backend(op); }};
}

inline std::vector<Case> conv2d_cases(Backend& backend, Buffers& buffers, const ConvolutionLayer& l,
                                      std::int64_t batch, DType type) {
  const Conv2dSpec& spec = l.spec;
  const View x = buffers.view(batch, l.height, l.width, spec.in, type);
  const View y = buffers.view(batch, spec.out_h(l.height), spec.out_w(l.width), spec.out, type);
  const Weights weight{buffers.view(1, 1, 1, spec.weight_elements(), type).data, type};
  float *bias = buffers.floats(spec.out), *dweight = buffers.floats(spec.weight_elements());
  const std::string shape = fmt::format("{}x{}x{}x{} -> {}, {}x{} /{}", batch, l.height, l.width, spec.in,
                                        spec.out, spec.kernel_h, spec.kernel_w, spec.stride);
  std::vector<Case> cases;
  const auto add = [&](const auto& op) { cases.push_back(case_of(backend, op, shape, l.count)); };
  add(Conv2dForward{
      .spec = spec, .x = x, .weight = weight, .bias = bias, .activation = Activation::relu, .y = y});
  if (!l.pictures) add(Conv2dBackwardData{.spec = spec, .dy = y, .weight = weight, .dx = x});
  add(Conv2dBackwardWeight{.spec = spec, .x = x, .dy = y, .dweight = dweight, .into = Into::assign});
  return cases;
}

inline std::vector<Case> batch_norm_cases(Backend& backend, Buffers& buffers, const NormLayer& l,
                                          std::int64_t batch, DType type) {
  const std::int64_t channels = l.channels;
  const View x = buffers.view(batch, l.height, l.width, channels, type),
             y = buffers.view(batch, l.height, l.width, channels, type);
  const View dx = buffers.view(batch, l.height, l.width, channels, type);
  float *mean = buffers.floats(channels), *var = buffers.floats(channels), *gamma = buffers.floats(channels);
  float *beta = buffers.floats(channels), *sum_g = buffers.floats(channels),
        *sum_gx = buffers.floats(channels);
  std::uint8_t* mask = buffers.bytes(relu_mask_bytes(x.pixels(), channels));
  const BatchNormSpec spec{.activation = Activation::relu};
  const std::string shape = fmt::format("{}x{}x{}x{}", batch, l.height, l.width, channels);
  std::vector<Case> cases;
  const auto add = [&](const auto& op) { cases.push_back(case_of(backend, op, shape, l.count)); };
  add(BatchNormStatistics{.x = x, .mean = mean, .var = var});
  add(BatchNormApply{.spec = spec,
                     .x = x,
                     .mean = mean,
                     .var = var,
                     .gamma = gamma,
                     .beta = beta,
                     .y = y,
                     .relu_mask = mask});
  add(BatchNormBackwardReduce{.spec = spec,
                              .dy = y,
                              .x = x,
                              .mean = mean,
                              .var = var,
                              .relu_mask = mask,
                              .sum_g = sum_g,
                              .sum_g_xhat = sum_gx});
  add(BatchNormBackwardApply{.spec = spec,
                             .dy = y,
                             .x = x,
                             .mean = mean,
                             .var = var,
                             .gamma = gamma,
                             .relu_mask = mask,
                             .sum_g = sum_g,
                             .sum_g_xhat = sum_gx,
                             .dx = dx,
                             .into = Into::assign});
  return cases;
}

// Ops that every step has, at the shapes of ResNet-50.
inline std::vector<Case> other_cases(Backend& backend, Buffers& buffers, std::int64_t batch, DType type) {
  std::vector<Case> cases;
  const auto add = [&](const std::string& shape, const auto& op) {
    cases.push_back(case_of(backend, op, shape, 1));
  };
  const View wide = buffers.view(batch, 112, 112, 64, type), half = buffers.view(batch, 56, 56, 64, type);
  const View same = buffers.view(batch, 112, 112, 64, type);
  const View last = buffers.view(batch, 7, 7, 2048, type), pooled = buffers.view(batch, 1, 1, 2048, type);
  const View pictures = buffers.view(batch, 224, 224, 3, type);
  std::uint8_t* index = buffers.bytes(half.elements());
  std::uint8_t* u8 = buffers.bytes(batch * 224 * 224 * 3);
  float *mean = buffers.floats(3), *std = buffers.floats(3);
  const Pool2dSpec pool{.kernel = 3, .stride = 2, .padding = 1};
  const std::string shape = fmt::format("{}x112x112x64", batch);
  add(shape, MaxPool2dForward{.spec = pool, .x = wide, .y = half, .index = index});
  add(shape, MaxPool2dBackward{.spec = pool, .dy = half, .index = index, .dx = wide});
  const BatchNormSpec norm;
  float *sums = buffers.floats(64), *sums_x = buffers.floats(64), *gamma = buffers.floats(64);
  float *beta = buffers.floats(64), *var = buffers.floats(64);
  add(shape, NormReluPoolForward{.norm = norm,
                                 .pool = pool,
                                 .x = wide,
                                 .mean = sums,
                                 .var = var,
                                 .gamma = gamma,
                                 .beta = beta,
                                 .y = half,
                                 .index = index});
  add(shape, NormReluPoolBackwardReduce{.norm = norm,
                                        .pool = pool,
                                        .dy = half,
                                        .index = index,
                                        .x = wide,
                                        .mean = beta,
                                        .var = var,
                                        .sum_g = sums,
                                        .sum_g_xhat = sums_x});
  add(shape, NormReluPoolBackwardApply{.norm = norm,
                                       .pool = pool,
                                       .dy = half,
                                       .index = index,
                                       .x = wide,
                                       .mean = beta,
                                       .var = var,
                                       .gamma = gamma,
                                       .sum_g = sums,
                                       .sum_g_xhat = sums_x,
                                       .dx = same});
  add(shape, ReluForward{.x = wide, .y = same});
  add(shape, Add{.a = wide, .b = same, .y = same});
  add(fmt::format("{}x7x7x2048", batch), GlobalAvgPoolForward{.x = last, .y = pooled});
  add(fmt::format("{}x224x224x3", batch),
      NormalizeU8{.x = u8, .channels = 3, .mean = mean, .std = std, .y = pictures});
  static constexpr ArenaSegment all{.begin = 0, .end = 25'557'032, .weight_decay = 1e-4f};  // ResNet-50's
  float *g = buffers.floats(all.end), *w = buffers.floats(all.end), *v = buffers.floats(all.end);
  auto* state = static_cast<StepState*>(static_cast<void*>(buffers.bytes(sizeof(StepState))));
  add("25.6M", GradientNorm{.gradient = g, .count = all.end, .state = state});
  add("25.6M", SgdStep{.spec = {},
                       .segments = &all,
                       .segment_count = 1,
                       .state = state,
                       .gradient = g,
                       .weight = w,
                       .velocity = v});
  return cases;
}

}  // namespace thaw::bench
