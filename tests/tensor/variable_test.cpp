#include "tensor/variable.h"

#include <doctest/doctest.h>

#include "layers/activation.h"
#include "layers/elementwise.h"
#include "tests/layers/numeric.h"

namespace thaw {
namespace {

TEST_CASE("tape: a variable used twice receives the sum, each node runs once") {
  const auto backend = make_backend("reference");
  const Variable x(from_contiguous(std::vector<float>{1, -2, 3}, {1, 3}).to(*backend), true);
  const Variable a = relu(x, "a");
  const Variable y = add(add(a, x, "b"), a, "c");  // y = 2 relu(x) + x
  CHECK(tape(y).size() == 3);
  backward(y, from_contiguous(std::vector<float>{1, 1, 1}, {1, 3}).to(*backend));
  CHECK(to_contiguous(x.grad()) == std::vector<float>{3, 1, 3});
}

TEST_CASE("tape: nothing is recorded where no gradient is wanted") {
  const auto backend = make_backend("reference");
  const Variable x(Tensor::zeros(*backend, {2, 3}));
  const Variable y = relu(x, "a");
  CHECK_FALSE(y.requires_grad());
  CHECK(y.node() == nullptr);
  CHECK_THROWS_WITH_AS(backward(y), doctest::Contains("thaw"), Error);
}

TEST_CASE("tape: a deep chain neither overflows the stack nor keeps what nobody reads") {
  const auto backend = make_backend("reference");
  const Variable x(Tensor::zeros(*backend, {1, 1}), true);
  Variable y = x;
  for (int i = 0; i < 100000; ++i) y = add(y, x, "");
  const std::size_t with_graph = backend->bytes_in_use();
  CHECK(with_graph <= 2 * 4096);  // add saves no values: only x and the last sum are alive
  const float one = 1.0f;
  Tensor g = Tensor::empty(*backend, {1, 1});
  backend->upload(g.data(), &one, sizeof one);
  backward(y, g);
  CHECK(to_contiguous(x.grad())[0] == 100001.0f);
}

}  // namespace
}  // namespace thaw
