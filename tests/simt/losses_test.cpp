// The losses, as CUDA runs them, against the reference's loops in double.
#include "kernels/reference/losses.h"
#include "tests/simt/canvas.h"

namespace thaw::simt_test {
namespace {

struct Rows {
  Index n, k;
};
// Fewer classes than lanes, more, and more rows than one pass of the emulator's grid.
const Rows shapes[] = {{1, 1}, {3, 10}, {5, 33}, {2, 1000}, {200, 7}};

struct Loss {
  Loss(const TestQueue& q, Rows r) : row_loss(q, size(r.n)), loss(q, 1), dlogits(q, size(r.n * r.k)) {}
  static std::size_t size(Index i) { return static_cast<std::size_t>(i); }
  DeviceArray<float> row_loss, loss, dlogits;
};

struct Expected {
  explicit Expected(Rows r) : row_loss(Loss::size(r.n)), loss(1), dlogits(Loss::size(r.n * r.k)) {}
  std::vector<double> row_loss, loss, dlogits;
};

void compare(const Loss& got, const Expected& want, double tolerance) {
  CHECK(mismatch(got.row_loss.host(), want.row_loss, tolerance) == "");
  CHECK(mismatch(got.loss.host(), want.loss, tolerance) == "");
  CHECK(mismatch(got.dlogits.host(), want.dlogits, tolerance) == "");
  CHECK(::simt::take_fault() == "");
}

std::vector<float> values(Rows r, std::uint64_t seed, float scale, float offset) {
  auto v = random_values<float>(Loss::size(r.n * r.k), seed);
  for (float& x : v) x = x * scale + offset;
  return v;
}

void check_softmax(Rows r, float scale) {
  const TestQueue q;
  const auto z = values(r, 1, scale, 3), t = values(r, 2, 0.5f, 0.5f);
  const std::vector<float> normalizer{2.5f};
  const DeviceArray<float> dev_z(q, z), dev_t(q, t), dev_n(q, normalizer);
  Expected want(r);
  reference::softmax_cross_entropy<double>(r.n, r.k, doubles(z).data(), doubles(t).data(),
                                           doubles(normalizer).data(), want.row_loss.data(), want.loss.data(),
                                           want.dlogits.data());
  const Loss got(q, r);
  cuda::run(q.queue, SoftmaxCrossEntropy{.n = r.n,
                                         .k = r.k,
                                         .logits = dev_z.data(),
                                         .targets = dev_t.data(),
                                         .normalizer = dev_n.data(),
                                         .row_loss = got.row_loss.data(),
                                         .loss = got.loss.data(),
                                         .dlogits = got.dlogits.data()});
  compare(got, want, 3e-6 * (scale > 10 ? 10 : 1));
  const Loss alone(q, r);
  cuda::run(q.queue, SoftmaxCrossEntropy{.n = r.n,
                                         .k = r.k,
                                         .logits = dev_z.data(),
                                         .targets = dev_t.data(),
                                         .normalizer = dev_n.data(),
                                         .row_loss = alone.row_loss.data(),
                                         .loss = alone.loss.data()});
  CHECK(alone.loss.host() == got.loss.host());
}

void check_binary(Rows r, bool weighted) {
  const TestQueue q;
  const auto z = values(r, 1, 8, 0), t = values(r, 2, 0.5f, 0.5f), w = values(r, 3, 0.5f, 1);
  const std::vector<float> normalizer{7.0f};
  const DeviceArray<float> dev_z(q, z), dev_t(q, t), dev_w(q, w), dev_n(q, normalizer);
  Expected want(r);
  reference::binary_cross_entropy_with_logits<double>(
      r.n, r.k, doubles(z).data(), doubles(t).data(), weighted ? doubles(w).data() : nullptr,
      doubles(normalizer).data(), want.row_loss.data(), want.loss.data(), want.dlogits.data());
  const Loss got(q, r);
  cuda::run(q.queue, BinaryCrossEntropyWithLogits{.n = r.n,
                                                  .k = r.k,
                                                  .logits = dev_z.data(),
                                                  .targets = dev_t.data(),
                                                  .weights = weighted ? dev_w.data() : nullptr,
                                                  .normalizer = dev_n.data(),
                                                  .row_loss = got.row_loss.data(),
                                                  .loss = got.loss.data(),
                                                  .dlogits = got.dlogits.data()});
  compare(got, want, 1e-6);
}

TEST_CASE("softmax_cross_entropy: rows, mean and gradient") {
  under_schedules([] {
    for (const Rows& r : shapes) {
      CAPTURE(r.k);
      check_softmax(r, 2);
      check_softmax(r, 90);
    }
  });
}

TEST_CASE("softmax_cross_entropy: huge logits, a class that cannot be, and NaN") {
  const TestQueue q;
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> z{1e4f, 1e4f, -inf, 0, nan, 0, nan, 0, 0}, t{1, 0, 0, 0, 1, 0, 0, 0, 0};
  const DeviceArray<float> dev_z(q, z), dev_t(q, t), one(q, std::vector<float>{1}), rows(q, 3), loss(q, 1),
      gradient(q, 9);
  cuda::run(q.queue, SoftmaxCrossEntropy{.n = 3,
                                         .k = 3,
                                         .logits = dev_z.data(),
                                         .targets = dev_t.data(),
                                         .normalizer = one.data(),
                                         .row_loss = rows.data(),
                                         .loss = loss.data(),
                                         .dlogits = gradient.data()});
  CHECK(rows.host()[0] == doctest::Approx(std::log(2.0)).epsilon(1e-6));
  CHECK(gradient.host()[2] == 0.0f);
  CHECK(std::isnan(rows.host()[1]));
  CHECK(std::isnan(rows.host()[2]));  // though no class has weight
  CHECK(std::isnan(loss.host()[0]));
}

TEST_CASE("binary_cross_entropy_with_logits: weighted or not") {
  under_schedules([] {
    for (const Rows& r : shapes) {
      CAPTURE(r.k);
      check_binary(r, false);
      check_binary(r, true);
    }
  });
}

}  // namespace
}  // namespace thaw::simt_test
