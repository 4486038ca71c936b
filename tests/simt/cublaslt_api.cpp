// The fake of cuBLASLt: the entry points that Thaw calls, as plain loops over column-major matrices.
// NVIDIA's header gives every prototype. It proposes an algorithm that cannot run, as its `state` says,
// before the one that can, which wants an odd workspace. It refuses what the library's tables do not list:
// other types, a bias of another type than the output, a leading dimension shorter than a column, columns
// less aligned (by their pointer or by their leading dimension) than those that the algorithm was chosen for,
// an algorithm that was chosen for another product or that cannot run.
#include <cublasLt.h>
#include <cuda_bf16.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "tests/simt/simt.h"

struct cublasLtContext {};

namespace {

constexpr cublasStatus_t good = CUBLAS_STATUS_SUCCESS, bad = CUBLAS_STATUS_INVALID_VALUE;
constexpr std::size_t workspace_bytes = 777;

struct Layout {
  cudaDataType type{};
  std::int64_t rows = 0, columns = 0, leading = 0;
  std::size_t item() const { return type == CUDA_R_32F ? 4 : 2; }
  std::size_t extent() const { return static_cast<std::size_t>((columns - 1) * leading + rows) * item(); }
};

struct Matmul {
  cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
  std::int32_t transpose_a = CUBLAS_OP_N, transpose_b = CUBLAS_OP_N;
  std::uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  const void* bias = nullptr;
};

struct Preference {
  std::uint64_t workspace = 0;
  std::uint32_t reduction = CUBLASLT_REDUCTION_SCHEME_MASK;
  std::uint32_t alignment[4] = {256, 256, 256, 256};  // of A, B, C, D
};

// What the one algorithm was chosen for; it travels inside cublasLtMatmulAlgo_t.
struct Choice {
  std::int64_t rows, columns, inner;
  std::uint32_t alignment[4];
  std::uint32_t types;
  bool runs;
};
static_assert(sizeof(Choice) <= sizeof(cublasLtMatmulAlgo_t));

template <class T, class Handle>
T& inside(Handle handle) {
  return *reinterpret_cast<T*>(handle);
}
template <class T, class Handle, class... A>
cublasStatus_t make(Handle* handle, A... args) {
  *handle = reinterpret_cast<Handle>(new T{args...});
  return good;
}

template <class T>
cublasStatus_t put(T& to, const void* from, std::size_t bytes) {
  if (!from || bytes != sizeof to) return bad;
  std::memcpy(&to, from, bytes);
  return good;
}

// Whether the library lists a product of these types, sums in f32.
bool listed(const Matmul& m, const Layout& a, const Layout& b, const Layout& c, const Layout& d) {
  const bool f32 = a.type == CUDA_R_32F && d.type == CUDA_R_32F;
  const bool bf16 = m.compute == CUBLAS_COMPUTE_32F && a.type == CUDA_R_16BF &&
                    (d.type == CUDA_R_32F || d.type == CUDA_R_16BF);
  const bool epilogue =
      m.epilogue == CUBLASLT_EPILOGUE_DEFAULT || (m.epilogue == CUBLASLT_EPILOGUE_BIAS && m.bias != nullptr);
  return a.type == b.type && c.type == d.type && (f32 || bf16) && epilogue;
}

struct Shape {
  std::int64_t rows, columns, inner;
  bool valid;
};
Shape shape_of(const Matmul& m, const Layout& a, const Layout& b, const Layout& c, const Layout& d) {
  const bool ta = m.transpose_a == CUBLAS_OP_T, tb = m.transpose_b == CUBLAS_OP_T;
  const std::int64_t inner = ta ? a.rows : a.columns;
  bool valid = (ta ? a.columns : a.rows) == d.rows && (tb ? b.rows : b.columns) == d.columns &&
               (tb ? b.columns : b.rows) == inner && c.rows == d.rows && c.columns == d.columns;
  for (const Layout* l : {&a, &b, &c, &d})
    valid = valid && l->leading >= l->rows && l->rows > 0 && l->columns > 0;
  return {d.rows, d.columns, inner, valid};
}

std::uint32_t types_of(const Matmul& m, const Layout& a, const Layout& d) {
  return static_cast<std::uint32_t>(m.compute) << 24 | static_cast<std::uint32_t>(a.type) << 16 |
         static_cast<std::uint32_t>(d.type) << 8 | m.epilogue;
}

// Every column of the matrix is so aligned where its first one is aligned to `first`.
std::uint32_t column_alignment(const Layout& l, std::uint32_t first) {
  const auto step = static_cast<std::uint64_t>(l.leading) * l.item() | first;
  return static_cast<std::uint32_t>(step & (~step + 1));
}

float read(const void* data, const Layout& l, std::int64_t row, std::int64_t column) {
  const std::int64_t i = column * l.leading + row;
  return l.type == CUDA_R_32F ? static_cast<const float*>(data)[i]
                              : __bfloat162float(static_cast<const __nv_bfloat16*>(data)[i]);
}

void write(void* data, const Layout& l, std::int64_t row, std::int64_t column, float value) {
  const std::int64_t i = column * l.leading + row;
  if (l.type == CUDA_R_32F)
    static_cast<float*>(data)[i] = value;
  else
    static_cast<__nv_bfloat16*>(data)[i] = __float2bfloat16(value);
}

}  // namespace

extern "C" {

cublasStatus_t CUBLASWINAPI cublasLtCreate(cublasLtHandle_t* handle) {
  *handle = new cublasLtContext;
  return good;
}
cublasStatus_t CUBLASWINAPI cublasLtDestroy(cublasLtHandle_t handle) {
  delete handle;
  return good;
}
size_t CUBLASWINAPI cublasLtGetVersion() {
  return CUBLAS_VERSION;
}
const char* CUBLASWINAPI cublasLtGetStatusString(cublasStatus_t status) {
  return status == bad                           ? "an invalid value"
         : status == CUBLAS_STATUS_NOT_SUPPORTED ? "not supported"
                                                 : "the execution failed";
}

cublasStatus_t CUBLASWINAPI cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* handle,
                                                     cublasComputeType_t compute, cudaDataType_t scale) {
  const bool known = compute == CUBLAS_COMPUTE_32F || compute == CUBLAS_COMPUTE_32F_FAST_TF32;
  if (!known || scale != CUDA_R_32F) return CUBLAS_STATUS_NOT_SUPPORTED;
  return make<Matmul>(handle, compute);
}
cublasStatus_t CUBLASWINAPI cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t handle) {
  delete &inside<Matmul>(handle);
  return good;
}
cublasStatus_t CUBLASWINAPI cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t handle,
                                                           cublasLtMatmulDescAttributes_t name,
                                                           const void* value, size_t bytes) {
  auto& m = inside<Matmul>(handle);
  switch (name) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return put(m.transpose_a, value, bytes);
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return put(m.transpose_b, value, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      return put(m.epilogue, value, bytes);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      return put(m.bias, value, bytes);
    default:
      return CUBLAS_STATUS_NOT_SUPPORTED;
  }
}

cublasStatus_t CUBLASWINAPI cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* handle, cudaDataType type,
                                                       uint64_t rows, uint64_t columns, int64_t leading) {
  return make<Layout>(handle, type, static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns),
                      leading);
}
cublasStatus_t CUBLASWINAPI cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t handle) {
  delete &inside<Layout>(handle);
  return good;
}

cublasStatus_t CUBLASWINAPI cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* handle) {
  return make<Preference>(handle);
}
cublasStatus_t CUBLASWINAPI cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t handle) {
  delete &inside<Preference>(handle);
  return good;
}
cublasStatus_t CUBLASWINAPI cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t handle,
                                                                 cublasLtMatmulPreferenceAttributes_t name,
                                                                 const void* value, size_t bytes) {
  auto& p = inside<Preference>(handle);
  switch (name) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
      return put(p.workspace, value, bytes);
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
      return put(p.reduction, value, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
      return put(p.alignment[name - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES], value, bytes);
    default:
      return CUBLAS_STATUS_NOT_SUPPORTED;
  }
}

cublasStatus_t CUBLASWINAPI cublasLtMatmulAlgoGetHeuristic(
    cublasLtHandle_t context, cublasLtMatmulDesc_t matmul, cublasLtMatrixLayout_t a_layout,
    cublasLtMatrixLayout_t b_layout, cublasLtMatrixLayout_t c_layout, cublasLtMatrixLayout_t d_layout,
    cublasLtMatmulPreference_t preference, int wanted, cublasLtMatmulHeuristicResult_t results[],
    int* found) {
  *found = 0;
  if (!context || wanted < 1) return bad;
  const auto &a = inside<Layout>(a_layout), &b = inside<Layout>(b_layout), &c = inside<Layout>(c_layout),
             &d = inside<Layout>(d_layout);
  const auto& m = inside<Matmul>(matmul);
  const auto& p = inside<Preference>(preference);
  const Shape shape = shape_of(m, a, b, c, d);
  if (!shape.valid) return bad;
  if (!listed(m, a, b, c, d) || p.workspace < workspace_bytes) return CUBLAS_STATUS_NOT_SUPPORTED;
  const Layout* layouts[] = {&a, &b, &c, &d};
  for (int i = 0; i < 4; ++i)
    if (p.alignment[i] % layouts[i]->item() != 0) return CUBLAS_STATUS_NOT_SUPPORTED;
  Choice choice{shape.rows, shape.columns, shape.inner, {}, types_of(m, a, d), false};
  for (int i = 0; i < 4; ++i) choice.alignment[i] = column_alignment(*layouts[i], p.alignment[i]);
  for (; *found < std::min(wanted, 2); ++*found) {
    choice.runs = *found == 1;
    cublasLtMatmulHeuristicResult_t& result = results[*found] = {};
    std::memcpy(&result.algo, &choice, sizeof choice);
    result.workspaceSize = workspace_bytes;
    result.state = choice.runs ? good : CUBLAS_STATUS_NOT_SUPPORTED;
  }
  return good;
}

cublasStatus_t CUBLASWINAPI cublasLtMatmul(cublasLtHandle_t context, cublasLtMatmulDesc_t matmul,
                                           const void* alpha, const void* a_data,
                                           cublasLtMatrixLayout_t a_layout, const void* b_data,
                                           cublasLtMatrixLayout_t b_layout, const void* beta,
                                           const void* c_data, cublasLtMatrixLayout_t c_layout, void* d_data,
                                           cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* algo,
                                           void* workspace, size_t bytes, cudaStream_t stream) {
  const Layout a = inside<Layout>(a_layout), b = inside<Layout>(b_layout), c = inside<Layout>(c_layout),
               d = inside<Layout>(d_layout);
  const Matmul m = inside<Matmul>(matmul);
  const Shape shape = shape_of(m, a, b, c, d);
  if (!context || !algo || !alpha || !beta || !shape.valid) return bad;
  Choice choice{};
  std::memcpy(&choice, algo, sizeof choice);
  if (choice.rows != shape.rows || choice.columns != shape.columns || choice.inner != shape.inner ||
      choice.types != types_of(m, a, d) || !listed(m, a, b, c, d))
    return bad;
  if (!choice.runs) return CUBLAS_STATUS_NOT_SUPPORTED;
  const void* data[] = {a_data, b_data, c_data, d_data};
  const Layout* layouts[] = {&a, &b, &c, &d};
  for (int i = 0; i < 4; ++i) {
    const std::uintptr_t columns = reinterpret_cast<std::uintptr_t>(data[i]) |
                                   static_cast<std::uintptr_t>(layouts[i]->leading) * layouts[i]->item();
    if (columns % choice.alignment[i] != 0) return bad;
    if (simt::device_range(data[i], layouts[i]->extent())) continue;
    simt::report_fault("cuBLASLt: matrix " + std::string(1, "ABCD"[i]) + " leaves its device allocation");
    return CUBLAS_STATUS_EXECUTION_FAILED;
  }
  if (bytes < workspace_bytes || reinterpret_cast<std::uintptr_t>(workspace) % 16 != 0 ||
      !simt::device_range(workspace, bytes))
    return bad;
  if (m.bias && !simt::device_range(m.bias, static_cast<std::size_t>(d.rows) * d.item())) return bad;
  const float factor = *static_cast<const float*>(alpha), keep = *static_cast<const float*>(beta);
  const cudaError_t error = simt::enqueue(stream, [=] {
    std::memset(workspace, 0x7F, workspace_bytes);
    Layout bias = d;
    bias.columns = 1;
    std::vector<float> sums(static_cast<std::size_t>(d.rows));
    const auto input = [&](float value) {
      return m.compute == CUBLAS_COMPUTE_32F ? value : simt::rounded_to_tf32(value);
    };
    for (std::int64_t j = 0; j < d.columns; ++j) {
      for (std::int64_t i = 0; i < d.rows; ++i) {
        float sum = 0.0f;
        for (std::int64_t k = 0; k < shape.inner; ++k)
          sum += input(m.transpose_a == CUBLAS_OP_T ? read(a_data, a, k, i) : read(a_data, a, i, k)) *
                 input(m.transpose_b == CUBLAS_OP_T ? read(b_data, b, j, k) : read(b_data, b, k, j));
        sum *= factor;
        if (keep != 0.0f) sum += keep * read(c_data, c, i, j);
        if (m.epilogue == CUBLASLT_EPILOGUE_BIAS) sum += read(m.bias, bias, i, 0);
        sums[static_cast<std::size_t>(i)] = sum;
      }
      for (std::int64_t i = 0; i < d.rows; ++i) write(d_data, d, i, j, sums[static_cast<std::size_t>(i)]);
    }
  });
  return error == cudaSuccess ? good : CUBLAS_STATUS_EXECUTION_FAILED;
}

}  // extern "C"
