// The optimizers and the gradient's norm, as CUDA runs them, against the reference's loops in double.
#include "kernels/reference/optimizer_step.h"

#include <memory>

#include "tests/simt/canvas.h"

namespace thaw::simt_test {
namespace {

constexpr std::size_t arena = 24000;

// Aligned and not, shorter than a chunk and longer than a pass of the grid, empty, padding between them, and
// more of them than one launch's table holds.
std::vector<ArenaSegment> segments() {
  std::vector<ArenaSegment> all{{0, 1500, 1.0f, 0.0f},
                                {1501, 1504, 0.5f, 0.1f},
                                {1504, 1504, 1.0f, 0.0f},
                                {1600, 16000, 2.0f, 0.01f},
                                {16001, 18100, 1.0f, 0.2f}};
  for (Index i = 0; i < 210; ++i) all.push_back({18200 + i * 20, 18200 + i * 20 + 1 + i % 20, 1.0f, 0.001f});
  return all;
}

struct Arena {
  Arena(const TestQueue& q, std::uint64_t seed, float offset, std::size_t shift)
      : host(random_values<float>(arena + shift, seed)), begin(shift) {
    for (float& v : host) v = v + offset;
    reference = doubles(host);
    device = std::make_unique<DeviceArray<float>>(q, host);
  }
  float* data() const { return device->data() + begin; }
  double* exact() { return reference.data() + begin; }
  std::string difference(double tolerance) const { return mismatch(device->host(), reference, tolerance); }

  std::vector<float> host;
  std::size_t begin;
  std::vector<double> reference;
  std::unique_ptr<DeviceArray<float>> device;
};

// bf16 copies of the weights inside segments; outside them nothing was written.
void check_copies(const std::vector<bf16>& copies, const std::vector<float>& weight, std::size_t shift) {
  std::vector<bool> inside(arena, false);
  for (const ArenaSegment& s : segments())
    for (Index i = s.begin; i < s.end; ++i) inside[static_cast<std::size_t>(i)] = true;
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < arena; ++i)
    wrong += copies[i].bits != (inside[i] ? bf16(weight[i + shift]) : bf16(8.0f)).bits;
  CHECK(wrong == 0);
}

void check_sgd(const SgdSpec& spec, std::size_t shift, std::size_t shift_v, std::uint32_t skip) {
  const TestQueue q;
  const StepState state{.lr = 0.1f, .clip = 0.75f, .skip = skip};
  const DeviceArray<StepState> dev_state(q, std::vector<StepState>{state});
  Arena g(q, 1, 0, shift), w(q, 2, 0, shift), v(q, 3, 0, shift_v);
  const DeviceArray<bf16> low(q, std::vector<bf16>(arena, bf16(8.0f)));
  auto table = segments();
  const auto count = static_cast<Index>(table.size());
  for (int step = 0; step < 2; ++step) {
    reference::sgd_step<double>(spec, table.data(), count, state, g.exact(), w.exact(), v.exact());
    cuda::run(q.queue, SgdStep{.spec = spec,
                               .segments = table.data(),
                               .segment_count = count,
                               .state = dev_state.data(),
                               .gradient = g.data(),
                               .weight = w.data(),
                               .velocity = v.data(),
                               .low_precision = skip != 0 ? nullptr : low.data()});
  }
  CHECK(w.difference(3e-7) == "");
  CHECK(v.difference(3e-7) == "");
  if (skip == 0) check_copies(low.host(), w.device->host(), shift);
  CHECK(::simt::take_fault() == "");
}

void check_adamw(std::uint64_t step, std::size_t shift, std::size_t shift_v, std::uint32_t skip) {
  const TestQueue q;
  const StepState state{.step = step, .lr = 0.01f, .clip = 0.75f, .skip = skip};
  const DeviceArray<StepState> dev_state(q, std::vector<StepState>{state});
  Arena g(q, 1, 0, shift), w(q, 2, 0, shift), m(q, 3, 0, shift), v(q, 4, 1.5f, shift_v);
  const DeviceArray<bf16> low(q, std::vector<bf16>(arena, bf16(8.0f)));
  const auto table = segments();
  const auto count = static_cast<Index>(table.size());
  reference::adamw_step<double>({}, table.data(), count, state, g.exact(), w.exact(), m.exact(), v.exact());
  cuda::run(q.queue, AdamWStep{.spec = {},
                               .segments = table.data(),
                               .segment_count = count,
                               .state = dev_state.data(),
                               .gradient = g.data(),
                               .weight = w.data(),
                               .m = m.data(),
                               .v = v.data(),
                               .low_precision = skip != 0 ? nullptr : low.data()});
  CHECK(w.difference(1e-6) == "");
  CHECK(m.difference(3e-7) == "");
  CHECK(v.difference(3e-7) == "");
  if (skip == 0) check_copies(low.host(), w.device->host(), shift);
  CHECK(::simt::take_fault() == "");
}

StepState norm_of(const std::vector<float>& gradient, float max_norm, std::size_t skipped = 0) {
  const TestQueue q;
  const DeviceArray<float> g(q, gradient);
  const StepState before{.step = 3, .seed = 4, .lr = 5, .max_norm = max_norm, .clip = 8, .skip = 8};
  const DeviceArray<StepState> state(q, std::vector<StepState>{before});
  const GradientNorm op{.gradient = g.data() + skipped,
                        .count = static_cast<Index>(gradient.size() - skipped),
                        .state = state.data()};
  const TestWorkspace workspace(q, op);
  cuda::run(q.queue, op, workspace.get());
  CHECK(::simt::take_fault() == "");
  return state.host()[0];
}

TEST_CASE("sgd_step: momentum, Nesterov, decay, clipping, and nothing where the step is skipped") {
  under_schedules([] {
    for (const std::size_t shift : {std::size_t{0}, std::size_t{1}}) {
      check_sgd({.momentum = 0.9f}, shift, shift, 0);
      check_sgd({.momentum = 0.9f, .nesterov = true}, shift, shift, 0);
      check_sgd({.momentum = 0.0f}, shift, shift, 0);
      check_sgd({.momentum = 0.9f}, shift, shift, 1);
    }
    check_sgd({.momentum = 0.9f}, 0, 1, 0);
  });
}

TEST_CASE("adamw_step: bias correction by the step in device memory") {
  under_schedules([] {
    for (const std::size_t shift : {std::size_t{0}, std::size_t{1}}) {
      check_adamw(0, shift, shift, 0);
      check_adamw(1000, shift, shift, 0);
      check_adamw(0, shift, shift, 1);
    }
    check_adamw(0, 0, 1, 0);
  });
}

TEST_CASE("sgd_step: no velocity without momentum; no segments, no work") {
  const TestQueue q;
  const DeviceArray<StepState> state(q, std::vector<StepState>{{.lr = 0.5f}});
  const DeviceArray<float> w(q, std::vector<float>{1, 2, 3, 4, 5}), g(q, std::vector<float>(5, 2.0f));
  const ArenaSegment all{0, 5, 1.0f, 0.0f};
  cuda::run(q.queue, SgdStep{.spec = {.momentum = 0.0f},
                             .segments = &all,
                             .segment_count = 1,
                             .state = state.data(),
                             .gradient = g.data(),
                             .weight = w.data()});
  cuda::run(q.queue, SgdStep{.spec = {.momentum = 0.0f},
                             .segments = nullptr,
                             .segment_count = 0,
                             .state = state.data(),
                             .gradient = g.data(),
                             .weight = w.data()});
  CHECK(w.host() == std::vector<float>{0, 1, 2, 3, 4});
}

TEST_CASE("gradient_norm: norm, clip factor and skip") {
  under_schedules([] {
    const StepState state = norm_of({3.0f, -4.0f}, 0.0f);
    CHECK(state.grad_norm == 5.0f);
    CHECK(state.clip == 1.0f);
    CHECK(state.skip == 0);
    CHECK(state.step == 3);
    CHECK(state.seed == 4);
    CHECK(state.lr == 5.0f);
    CHECK(norm_of({3.0f, -4.0f}, 1.0f).clip == doctest::Approx(1.0 / (5.0 + 1e-6)).epsilon(1e-7));
    CHECK(norm_of({3.0f, -4.0f}, 6.0f).clip == 1.0f);
    CHECK(norm_of({3.0f, std::numeric_limits<float>::infinity()}, 1.0f).skip == 1);
    CHECK(norm_of({std::numeric_limits<float>::quiet_NaN()}, 0.0f).skip == 1);
    CHECK(norm_of({3e38f, 3e38f}, 0.0f).skip == 1);
    std::vector<float> many(30001, 1e-3f);  // in f32 they would vanish beside the large one
    many[7] = 100.0f;
    CHECK(norm_of(many, 0.0f).grad_norm == doctest::Approx(std::sqrt(1e4 + 0.03)).epsilon(1e-7));
    const auto random = random_values<float>(30001, 9);
    double sum = 0.0;
    for (std::size_t i = 1; i < random.size(); ++i)
      sum += static_cast<double>(random[i]) * static_cast<double>(random[i]);
    CHECK(norm_of(random, 0.0f, 1).grad_norm == static_cast<float>(std::sqrt(sum)));  // unaligned
  });
}

}  // namespace
}  // namespace thaw::simt_test
