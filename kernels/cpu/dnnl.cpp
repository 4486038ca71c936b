#include "kernels/cpu/dnnl.h"

#include <string>

namespace thaw::cpu {

using dnnl::memory;

std::size_t KeyHash::operator()(const Key& key) const {
  std::uint64_t hash = 1469598103934665603u;  // FNV-1a over whole words, with a shift to spread high bits
  for (const std::int64_t value : key.values) {
    hash = (hash ^ static_cast<std::uint64_t>(value)) * 1099511628211u;
    hash ^= hash >> 29;
  }
  return hash;
}

Plan& Dnnl::plan(const Key& key, const char* op, const std::function<void(Plan&)>& build) {
  const auto found = plans_.find(key);
  if (found != plans_.end()) return *found->second;
  auto made = std::make_unique<Plan>();
  try {
    build(*made);
  } catch (const dnnl::error& error) {
    throw Error(std::string(op) + ": oneDNN cannot do this on this processor: " + error.what() +
                "; use --device reference, or a build with another oneDNN");
  }
  return *plans_.emplace(key, std::move(made)).first->second;
}

void Dnnl::run(Plan& plan) {
  try {
    plan.primitive.execute(stream_, plan.memories);
    stream_.wait();
  } catch (const dnnl::error& error) {
    throw Error(std::string("oneDNN failed: ") + error.what());
  }
}

void Dnnl::reorder(Plan& plan, const void* from, void* to) {
  plan.reorder_from.set_data_handle(const_cast<void*>(from));
  plan.reorder_to.set_data_handle(to);
  try {
    plan.reorder.execute(stream_, {{DNNL_ARG_FROM, plan.reorder_from}, {DNNL_ARG_TO, plan.reorder_to}});
    stream_.wait();
  } catch (const dnnl::error& error) {
    throw Error(std::string("oneDNN failed: ") + error.what());
  }
}

void Dnnl::sgemm(const char* op, bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n,
                 std::int64_t k, const float* a, std::int64_t a_pitch, const float* b, std::int64_t b_pitch,
                 float beta, float* c, std::int64_t c_pitch) {
  const auto status = dnnl::sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k, 1.0f, a, a_pitch,
                                  b, b_pitch, beta, c, c_pitch);
  if (status != dnnl::status::success)
    throw Error(std::string(op) + ": oneDNN's sgemm failed with status " +
                std::to_string(static_cast<int>(status)));
}

memory::data_type dnnl_type(DType type) {
  if (type == DType::f32) return memory::data_type::f32;
  if (type == DType::bf16) return memory::data_type::bf16;
  throw Error(std::string("cpu: activations of type ") + dtype_name(type) + "; use f32 or bf16");
}

memory::desc activation_desc(DType type, std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w) {
  return {{n, c, h, w}, dnnl_type(type), memory::format_tag::nhwc};
}

memory::desc weights_desc(const Conv2dSpec& s, DType type) {
  if (s.groups == 1)
    return {{s.out, s.in, s.kernel_h, s.kernel_w}, dnnl_type(type), memory::format_tag::ohwi};
  return {{s.groups, s.out / s.groups, s.in / s.groups, s.kernel_h, s.kernel_w},
          dnnl_type(type),
          memory::format_tag::gohwi};
}

memory::desc weights_any(const Conv2dSpec& s, DType type) {
  if (s.groups == 1) return {{s.out, s.in, s.kernel_h, s.kernel_w}, dnnl_type(type), memory::format_tag::any};
  return {{s.groups, s.out / s.groups, s.in / s.groups, s.kernel_h, s.kernel_w},
          dnnl_type(type),
          memory::format_tag::any};
}

std::int64_t turned_block_of(const Conv2dSpec& s, const memory::desc& desc) {
  const auto& d = desc.data;
  if (s.groups != 1 || d.format_kind != dnnl_blocked) return 0;
  const auto& b = d.format_desc.blocking;
  const bool f32 = d.data_type == dnnl_f32, bf16 = d.data_type == dnnl_bf16;
  const bool plain = f32 && b.inner_nblks == 1 && b.inner_idxs[0] == 0;
  const bool pairs = bf16 && b.inner_nblks == 2 && b.inner_idxs[0] == 0 && b.inner_idxs[1] == 1 &&
                     b.inner_blks[1] == 2 && s.in % 2 == 0;
  if (!plain && !pairs) return 0;
  const std::int64_t block = b.inner_blks[0],
                     pixel = s.in * block;  // elements of one kernel position of a block
  const bool in_order = b.strides[1] == block * (pairs ? 2 : 1) && b.strides[3] == pixel &&
                        b.strides[2] == s.kernel_w * pixel && b.strides[0] == s.kernel_h * s.kernel_w * pixel;
  const bool padded_out_only = d.padded_dims[1] == s.in && d.padded_dims[2] == s.kernel_h &&
                               d.padded_dims[3] == s.kernel_w && d.extra.flags == dnnl_memory_extra_flag_none;
  return in_order && padded_out_only && block <= 64 ? block : 0;
}

memory::desc matrix_desc(DType type, std::int64_t rows, std::int64_t columns, std::int64_t pitch) {
  return {{rows, columns}, dnnl_type(type), memory::dims{pitch, 1}};
}

memory::desc transposed_desc(DType type, std::int64_t rows, std::int64_t columns, std::int64_t pitch) {
  return {{rows, columns}, dnnl_type(type), memory::dims{1, pitch}};
}

}  // namespace thaw::cpu
