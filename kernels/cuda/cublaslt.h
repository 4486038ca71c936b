// A thin layer over cuBLASLt: descriptors that own themselves, errors by name. Matrices are column-major, as
// cuBLASLt sees them; a row-major matrix is its transpose.
#pragma once

#include <cublasLt.h>

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>

#include "kernels/dtype.h"
#include "kernels/error.h"

namespace thaw::cuda {

inline void check(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw Error(std::string("cublasLt: ") + what + ": " + cublasLtGetStatusString(status));
}

template <class Handle, auto destroy>
struct LtDestroy {
  void operator()(Handle handle) const { destroy(handle); }
};
template <class Handle, auto destroy>
using LtOwner = std::unique_ptr<std::remove_pointer_t<Handle>, LtDestroy<Handle, destroy>>;

using LtContext = LtOwner<cublasLtHandle_t, cublasLtDestroy>;
using LtMatmul = LtOwner<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using LtLayout = LtOwner<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using LtPreference = LtOwner<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

inline LtContext make_lt_context() {
  cublasLtHandle_t handle = nullptr;
  check(cublasLtCreate(&handle), "starting cuBLASLt");
  return LtContext(handle);
}

// Sums in f32. CUBLAS_COMPUTE_32F keeps every bit of f32 inputs; `tf32`, for f32 only, may round them to
// TF32.
inline LtMatmul make_lt_matmul(bool tf32) {
  cublasLtMatmulDesc_t handle = nullptr;
  const cublasComputeType_t compute = tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
  check(cublasLtMatmulDescCreate(&handle, compute, CUDA_R_32F), "matmul descriptor");
  return LtMatmul(handle);
}

// `leading`: elements between the starts of neighbouring columns.
inline LtLayout make_lt_layout(DType type, std::int64_t rows, std::int64_t columns, std::int64_t leading) {
  cublasLtMatrixLayout_t handle = nullptr;
  const cudaDataType data = type == DType::f32 ? CUDA_R_32F : CUDA_R_16BF;
  check(cublasLtMatrixLayoutCreate(&handle, data, static_cast<std::uint64_t>(rows),
                                   static_cast<std::uint64_t>(columns), leading),
        "matrix layout");
  return LtLayout(handle);
}

inline LtPreference make_lt_preference() {
  cublasLtMatmulPreference_t handle = nullptr;
  check(cublasLtMatmulPreferenceCreate(&handle), "matmul preference");
  return LtPreference(handle);
}

template <class T>
void set(const LtMatmul& matmul, cublasLtMatmulDescAttributes_t name, const T& value) {
  check(cublasLtMatmulDescSetAttribute(matmul.get(), name, &value, sizeof value), "matmul attribute");
}

template <class T>
void set(const LtPreference& preference, cublasLtMatmulPreferenceAttributes_t name, const T& value) {
  check(cublasLtMatmulPreferenceSetAttribute(preference.get(), name, &value, sizeof value),
        "matmul preference");
}

}  // namespace thaw::cuda
