// What the sums over pixels promise beyond their values: parts for every multiprocessor, the same bits in any order,
// and a workspace of their own.
#include <doctest/doctest.h>

#include "kernels/cuda/ops.h"
#include "tests/simt/support.h"

namespace thaw::simt_test {
namespace {

std::vector<float> bias_gradient(const std::vector<float>& dy) {
  const TestQueue q;
  const DeviceArray<float> device(q, dy), bias(q, 8);
  const BiasBackward op{.dy = view_of(device, 7, 33, 31, 8, 8), .dbias = bias.data(), .into = Into::assign};
  const std::size_t bytes = cuda::workspace_bytes(q.queue, op);
  const DeviceArray<std::uint8_t> workspace(q, bytes);
  cuda::run(q.queue, op, {workspace.data(), bytes});
  return bias.host();
}

TEST_CASE("sums have the same bits under every schedule") {
  const auto dy = random_values<float>(7 * 33 * 31 * 8, 1);
  const std::vector<float> expected = bias_gradient(dy);
  for (const auto order : {::simt::Order::forward, ::simt::Order::reverse, ::simt::Order::random}) {
    ::simt::set_order(order, 3);
    CHECK(bias_gradient(dy) == expected);
  }
  ::simt::use_environment();
}

// The extent of tests/support/values.h that has more parts than one pass of finish_sums_kernel takes.
TEST_CASE("sums have 352 parts on the 132 multiprocessors of an H100") {
  TestQueue q;
  q.queue.multiprocessors = 132;
  const DeviceArray<bf16> x(q, std::vector<bf16>(150 * 150 * 40));
  const BatchNormStatistics op{.x = view_of(x, 1, 150, 150, 40, 40), .mean = nullptr, .var = nullptr};
  CHECK(cuda::workspace_bytes(q.queue, op) >= std::size_t{352} * 40 * sizeof(double));
}

TEST_CASE("a workspace that is too small is refused by name") {
  const TestQueue q;
  const DeviceArray<float> x(q, 16), mean(q, 4), var(q, 4);
  CHECK_THROWS_WITH_AS(
      cuda::run(q.queue,
                BatchNormStatistics{.x = view_of(x, 1, 2, 2, 4, 4), .mean = mean.data(), .var = var.data()}),
      "batch_norm_statistics: the workspace is too small; ask workspace_bytes", Error);
}

}  // namespace
}  // namespace thaw::simt_test
