// Linear layers by cuBLASLt: three matrix products, their algorithms kept per geometry.
#pragma once

#include <map>
#include <vector>

#include "kernels/cuda/cublaslt.h"
#include "kernels/cuda/memory.h"
#include "kernels/cuda/queue.h"
#include "kernels/ops/linear.h"

namespace thaw::cuda {

class Linear {
 public:
  // tf32: as BackendOptions.
  Linear(const Queue& queue, Pool& pool, bool tf32 = false);
  Linear(const Linear&) = delete;
  Linear& operator=(const Linear&) = delete;

  void run(const LinearForward& op);
  void run(const LinearBackwardData& op);
  void run(const LinearBackwardWeight& op);

  std::size_t plans() const { return algorithms_.size(); }

 private:
  // A column-major matrix [rows, columns].
  struct Matrix {
    const void* data;
    DType type;
    std::int64_t rows, columns, leading;
    bool transposed;
  };
  // d = a b + (add ? d : 0) + bias, one value of bias per row of d.
  struct Product {
    Matrix a, b, d;
    const float* bias;
    bool add;
    const char* op;
  };
  using Key = std::vector<std::int64_t>;
  void multiply(const Product& product);
  cublasLtMatmulHeuristicResult_t choose(const Product& product, const LtMatmul& matmul, const LtLayout& a,
                                         const LtLayout& b, const LtLayout& d) const;
  static Key key_of(const Product& product);
  static Matrix rows_of(const ConstView& view, bool transposed);

  Queue queue_;
  Pool& pool_;
  bool tf32_;
  LtContext context_;
  std::map<Key, cublasLtMatmulHeuristicResult_t> algorithms_;
};

}  // namespace thaw::cuda
