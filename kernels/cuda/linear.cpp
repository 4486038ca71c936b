#include "kernels/cuda/linear.h"

#include <algorithm>
#include <array>

#include "kernels/cuda/ops.h"

namespace thaw::cuda {
namespace {

constexpr std::size_t most_workspace = std::size_t{32} << 20;

// The alignment that cuBLASLt may count on: a power of two, at most 256.
std::uint32_t alignment_of(const void* data) {
  const auto address = reinterpret_cast<std::uintptr_t>(data) | 256u;
  return static_cast<std::uint32_t>(address & (~address + 1));
}

// Packed rows [pixels, c] at `data`.
View packed_rows(const ConstView& view, DType type, void* data) {
  View packed;
  packed.data = data;
  packed.type = type;
  packed.n = view.pixels();
  packed.c = packed.pitch = view.c;
  return packed;
}

// The same memory as rows [pixels, c].
template <class AnyView>
AnyView rows(AnyView view) {
  view.n = view.pixels();
  view.h = view.w = 1;
  return view;
}

std::size_t bytes_of(const ConstView& view, DType type) {
  return static_cast<std::size_t>(view.elements()) * item_size(type);
}

// `view` itself where it is of `type`, else a copy for the length of one op.
class Converted {
 public:
  Converted(const Queue& queue, Pool& pool, const ConstView& view, DType type)
      : memory_(pool, view.type == type ? 0 : bytes_of(view, type)), view_(view) {
    if (!memory_.data()) return;
    const View to = packed_rows(view, type, memory_.data());
    run(queue, Copy{.x = rows(view), .y = to});
    view_ = to;
  }
  const ConstView& view() const { return view_; }

 private:
  Temporary memory_;
  ConstView view_;
};

}  // namespace

Linear::Linear(const Queue& queue, Pool& pool, bool tf32)
    : queue_(queue), pool_(pool), tf32_(tf32), context_(make_lt_context()) {}

// Rows [N,C] with a pitch are, column by column, the matrix [C,N].
Linear::Matrix Linear::rows_of(const ConstView& view, bool transposed) {
  return {view.data, view.type, view.c, view.pixels(), view.pitch, transposed};
}

void Linear::run(const LinearForward& op) {
  const Converted input(queue_, pool_, op.x, op.weight.type);
  // cuBLASLt adds a bias of the type of its output; a bf16 output takes the f32 sum through memory once.
  const bool through_f32 = op.bias && op.y.type != DType::f32;
  const Temporary sum(pool_, through_f32 ? bytes_of(op.y, DType::f32) : 0);
  const View out = through_f32 ? packed_rows(op.y, DType::f32, sum.data()) : op.y;
  const Matrix w{op.weight.data, op.weight.type, op.x.c, op.y.c, op.x.c, true};
  multiply({w, rows_of(input.view(), false), rows_of(out, false), op.bias, false, op.name});
  if (through_f32) cuda::run(queue_, Copy{.x = out, .y = rows(op.y)});
}

void Linear::run(const LinearBackwardData& op) {
  // A head's gradient comes in f32 from the loss even where the activations are bf16.
  const Converted gradient(queue_, pool_, op.dy, op.weight.type);
  const Matrix w{op.weight.data, op.weight.type, op.dx.c, op.dy.c, op.dx.c, false};
  multiply({w, rows_of(gradient.view(), false), rows_of(op.dx, false), nullptr, false, op.name});
}

void Linear::run(const LinearBackwardWeight& op) {
  const Converted gradient(queue_, pool_, op.dy, op.x.type);
  const Matrix dw{op.dweight, DType::f32, op.x.c, op.dy.c, op.x.c, false};
  multiply(
      {rows_of(op.x, false), rows_of(gradient.view(), true), dw, nullptr, op.into == Into::add, op.name});
}

Linear::Key Linear::key_of(const Product& p) {
  Key key{p.bias != nullptr, p.bias ? alignment_of(p.bias) : 0, p.add};
  for (const Matrix* m : {&p.a, &p.b, &p.d})
    key.insert(key.end(), {static_cast<std::int64_t>(m->type), m->rows, m->columns, m->leading, m->transposed,
                           alignment_of(m->data)});
  return key;
}

cublasLtMatmulHeuristicResult_t Linear::choose(const Product& p, const LtMatmul& matmul, const LtLayout& a,
                                               const LtLayout& b, const LtLayout& d) const {
  const LtPreference preference = make_lt_preference();
  set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, most_workspace);
  // Partial sums are added in f32 and in a fixed order.
  set(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
      static_cast<std::uint32_t>(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE));
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment_of(p.a.data));
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment_of(p.b.data));
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment_of(p.d.data));
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment_of(p.d.data));
  std::array<cublasLtMatmulHeuristicResult_t, 8> results{};
  int count = 0;
  const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
      context_.get(), matmul.get(), a.get(), b.get(), d.get(), d.get(), preference.get(),
      static_cast<int>(results.size()), results.data(), &count);
  // The best comes first; some may be listed that cannot run.
  const auto end = results.begin() + (status == CUBLAS_STATUS_SUCCESS ? count : 0);
  const auto best =
      std::find_if(results.begin(), end, [](const auto& r) { return r.state == CUBLAS_STATUS_SUCCESS; });
  if (best != end) return *best;
  if (status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_SUCCESS)
    throw Error(std::string(p.op) + ": cuBLASLt has no algorithm for the product [" +
                std::to_string(p.d.rows) + "," + std::to_string(p.d.columns) + "] of " +
                dtype_name(p.a.type) + " into " + dtype_name(p.d.type) + " on this device");
  check(status, p.op);
  return {};  // check() has thrown
}

void Linear::multiply(const Product& p) {
  if (p.d.rows == 0 || p.d.columns == 0) return;
  if (p.a.type != p.b.type)
    throw Error(std::string(p.op) + ": activations of type " + dtype_name(p.b.type) + " and weights of " +
                dtype_name(p.a.type));
  const LtLayout a = make_lt_layout(p.a.type, p.a.rows, p.a.columns, p.a.leading);
  const LtLayout b = make_lt_layout(p.b.type, p.b.rows, p.b.columns, p.b.leading);
  const LtLayout d = make_lt_layout(p.d.type, p.d.rows, p.d.columns, p.d.leading);
  const LtMatmul matmul = make_lt_matmul(tf32_ && p.a.type == DType::f32);
  const auto operation = [](const Matrix& m) {
    return static_cast<std::int32_t>(m.transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
  };
  set(matmul, CUBLASLT_MATMUL_DESC_TRANSA, operation(p.a));
  set(matmul, CUBLASLT_MATMUL_DESC_TRANSB, operation(p.b));
  if (p.bias) {
    set(matmul, CUBLASLT_MATMUL_DESC_EPILOGUE, static_cast<std::uint32_t>(CUBLASLT_EPILOGUE_BIAS));
    set(matmul, CUBLASLT_MATMUL_DESC_BIAS_POINTER, p.bias);
  }
  const Key key = key_of(p);
  auto it = algorithms_.find(key);
  if (it == algorithms_.end()) it = algorithms_.emplace(key, choose(p, matmul, a, b, d)).first;
  const cublasLtMatmulHeuristicResult_t& chosen = it->second;

  const Temporary workspace(pool_, chosen.workspaceSize);
  const float alpha = 1.0f, beta = p.add ? 1.0f : 0.0f;
  auto* out = const_cast<void*>(p.d.data);
  check(cublasLtMatmul(context_.get(), matmul.get(), &alpha, p.a.data, a.get(), p.b.data, b.get(), &beta, out,
                       d.get(), out, d.get(), &chosen.algo, workspace.data(), chosen.workspaceSize,
                       queue_.stream),
        p.op);
}

}  // namespace thaw::cuda
