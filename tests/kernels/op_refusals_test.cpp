// Malformed calls of every op: refused in the same words on every backend, by the op's own check().
#include <doctest/doctest.h>

#include <functional>
#include <set>

#include "kernels/counting_backend.h"
#include "tests/support/devices.h"

namespace thaw::test {
namespace {

// In PyTorch's order, as refusals say it. Nothing reads the memory: no call gets that far.
View view(std::int64_t n, std::int64_t c, std::int64_t h = 1, std::int64_t w = 1, DType type = DType::f32) {
  static float memory = 0.0f;
  View v;
  v.data = &memory;
  v.type = type;
  v.n = n;
  v.h = h;
  v.w = w;
  v.c = v.pitch = c;
  return v;
}

struct Refusal {
  std::string op;
  std::function<void(Backend&)> call;
  std::string words;  // after "OP: "
};

class Refusals {
 public:
  std::vector<Refusal> all;

  template <class Op>
  void add(const Op& op, const std::string& words) {
    all.push_back({Op::name, [op](Backend& backend) { backend(op); }, words});
  }
};

void add_convolutions(Refusals& r) {
  const View x = view(2, 3, 8, 8), y = view(2, 4, 6, 6), half = view(2, 4, 6, 6, DType::bf16);
  const Conv2dSpec spec{.in = 3, .out = 4, .kernel_h = 3, .kernel_w = 3};
  const std::string geometry =
      "a convolution of 3 to 4 channels, kernel 3x3, stride 1, padding 0, dilation 1, groups 1";
  r.add(
      Conv2dForward{.spec = spec, .x = x, .weight = {}, .y = view(2, 4, 8, 8)},
      "x [2, 3, 8, 8] and y [2, 4, 8, 8] do not fit " + geometry + "; it makes y [2, 4, 6, 6] of 3 channels");
  r.add(
      Conv2dForward{.spec = spec, .x = view(2, 4, 8, 8), .weight = {}, .y = y},
      "x [2, 4, 8, 8] and y [2, 4, 6, 6] do not fit " + geometry + "; it makes y [2, 4, 6, 6] of 3 channels");
  r.add(Conv2dForward{.spec = spec, .x = view(2, 3, 2, 8), .weight = {}, .y = y},
        "x [2, 3, 2, 8]: conv2d: input of size 2 with padding 0 is smaller than the kernel of size 3; use "
        "larger "
        "pictures");
  r.add(Conv2dForward{.spec = spec, .x = x, .weight = {}, .y = half},
        "x [2, 3, 8, 8] is f32 and y [2, 4, 6, 6] is bf16; copy one into the type of the other");
  r.add(Conv2dForward{.spec = spec, .x = x, .weight = {.type = DType::bf16}, .y = y},
        "x [2, 3, 8, 8] is f32 and the weights are bf16; give both one type");
  r.add(Conv2dForward{.spec = spec, .x = x, .weight = {}, .residual = x, .y = y},
        "y [2, 4, 6, 6] and residual [2, 3, 8, 8] differ in shape; give both the same");
  Conv2dSpec grouped = spec;
  grouped.groups = 2;
  r.add(Conv2dBackwardData{.spec = grouped, .dy = y, .weight = {}, .dx = x},
        "a convolution of 3 to 4 channels, kernel 3x3, stride 1, padding 0, dilation 1, groups 2 of dx [2, "
        "3, 8, "
        "8] is none; padding is at least 0, the others at least 1, and groups divide both channels");
  r.add(Conv2dBackwardData{.spec = spec, .dy = y, .weight = {}, .dx = view(1, 3, 8, 8)},
        "dx [1, 3, 8, 8] and dy [2, 4, 6, 6] do not fit " + geometry +
            "; it makes dy [1, 4, 6, 6] of 3 channels");
  r.add(Conv2dBackwardWeight{.spec = spec, .x = x, .dy = half, .dweight = nullptr, .into = Into::assign},
        "x [2, 3, 8, 8] is f32 and dy [2, 4, 6, 6] is bf16; copy one into the type of the other");
  r.add(BiasBackward{.dy = view(2, 4, 6, 6, DType::f64), .dbias = nullptr, .into = Into::add},
        "dy [2, 4, 6, 6] is of type f64; use f32 or bf16");
}

void add_products(Refusals& r) {
  const View rows = view(5, 7), half = view(5, 9, 1, 1, DType::bf16);
  r.add(LinearForward{.x = rows, .weight = {}, .y = view(4, 9)},
        "x [5, 7, 1, 1] and y [4, 9, 1, 1] differ in rows; give both as many");
  r.add(LinearForward{.x = rows, .weight = {}, .y = half},
        "y [5, 9, 1, 1] is bf16 and the weights are f32; make it f32 or of their type");
  r.add(LinearForward{.x = rows, .weight = {.type = DType::f64}, .y = view(5, 9)},
        "y [5, 9, 1, 1] from weights of type f64; use f32 or bf16");
  r.add(LinearBackwardData{.dy = view(5, 9, 1, 1, DType::u8), .weight = {}, .dx = rows},
        "dy [5, 9, 1, 1] is of type u8; use f32 or bf16");
  r.add(LinearBackwardWeight{.x = rows, .dy = view(6, 9), .dweight = nullptr, .into = Into::assign},
        "x [5, 7, 1, 1] and dy [6, 9, 1, 1] differ in rows; give both as many");
}

void add_batch_norms(Refusals& r) {
  const View x = view(2, 4, 6, 6), other = view(2, 4, 6, 5), half = view(2, 4, 6, 6, DType::bf16);
  const std::string differ =
      "x [2, 4, 6, 6] is f32 and y [2, 4, 6, 6] is bf16; copy one into the type of the other";
  r.add(BatchNormStatistics{.x = view(0, 4, 6, 6), .mean = nullptr, .var = nullptr},
        "x [0, 4, 6, 6] has no pixels; use a batch of at least one picture");
  BatchNormApply apply{
      .spec = {}, .x = x, .mean = nullptr, .var = nullptr, .gamma = nullptr, .beta = nullptr, .y = half};
  r.add(apply, differ);
  apply.y = x;
  apply.residual = other;
  r.add(apply, "x [2, 4, 6, 6] and residual [2, 4, 6, 5] differ in shape; give both the same");
  r.add(BatchNormBackwardReduce{.spec = {},
                                .dy = x,
                                .x = {},
                                .mean = nullptr,
                                .var = nullptr,
                                .relu_mask = nullptr,
                                .sum_g = nullptr,
                                .sum_g_xhat = nullptr},
        "dy [2, 4, 6, 6] and x [0, 0, 1, 1] differ in shape; give both the same");
  const float sums[4] = {};
  BatchNormBackwardApply backward{.spec = {},
                                  .dy = x,
                                  .x = {},
                                  .mean = nullptr,
                                  .var = nullptr,
                                  .gamma = nullptr,
                                  .relu_mask = nullptr,
                                  .sum_g = sums,
                                  .sum_g_xhat = sums,
                                  .dx = x,
                                  .into = Into::assign};
  r.add(backward, "dy [2, 4, 6, 6] without x; statistics of a batch need the x they are of");
  backward.x = x;
  backward.dresidual = other;
  r.add(backward, "dy [2, 4, 6, 6] and dresidual [2, 4, 6, 5] differ in shape; give both the same");
  float moved[4] = {};
  BatchNormRunning running{.mean = sums, .var = sums, .channels = -1, .pixels = 2, .running = {moved, moved}};
  r.add(running, "channels is -1; use 0 or more");
  running.channels = 4;
  running.pixels = 1;
  const std::string few =
      "running statistics of 1 values per channel; an unbiased variance needs two, use a larger batch";
  r.add(running, few);
  r.add(BatchNormStatistics{.x = view(1, 4, 1, 1), .mean = moved, .var = moved, .running = {moved, moved}},
        few);
}

void add_pools(Refusals& r) {
  const View x = view(2, 4, 8, 8), y = view(2, 4, 4, 4), wrong = view(2, 4, 8, 4);
  const std::string window = "kernel 2, stride 2, padding 0; that makes ";
  r.add(MaxPool2dForward{.spec = {}, .x = x, .y = wrong},
        "x [2, 4, 8, 8] and y [2, 4, 8, 4] do not fit " + window + "y [2, 4, 4, 4]");
  r.add(MaxPool2dForward{.spec = {.kernel = 16, .stride = 16}, .x = view(2, 4, 16, 16), .y = view(2, 4)},
        "kernel 16, stride 16, padding 0; the kernel may be 15 at most");
  r.add(MaxPool2dBackward{.spec = {.kernel = 2, .stride = 0}, .dy = y, .index = nullptr, .dx = x},
        "dx [2, 4, 8, 8]: pool2d: kernel 2, stride 0, padding 0; kernel and stride must be at least 1, "
        "padding 0 "
        "to kernel / 2");
  r.add(AvgPool2dForward{.spec = {.kernel = 9}, .x = x, .y = y},
        "x [2, 4, 8, 8]: pool2d: input of size 8 is smaller than the kernel of size 9; use larger pictures");
  r.add(AvgPool2dBackward{.spec = {}, .dy = view(2, 3, 4, 4), .dx = x},
        "dx [2, 4, 8, 8] and dy [2, 3, 4, 4] do not fit " + window + "dy [2, 4, 4, 4]");
  r.add(GlobalAvgPoolForward{.x = x, .y = view(2, 5)},
        "x [2, 4, 8, 8] and y [2, 5, 1, 1] do not fit; y has a row for each picture and as many channels");
  r.add(GlobalAvgPoolForward{.x = view(2, 4, 0, 8), .y = view(2, 4)},
        "x [2, 4, 0, 8] has no pixels; use pictures of at least one");
  r.add(GlobalAvgPoolBackward{.dy = view(3, 4), .dx = x},
        "dx [2, 4, 8, 8] and dy [3, 4, 1, 1] do not fit; dy has a row for each picture and as many channels");

  const Pool2dSpec pool;
  r.add(NormReluPoolForward{.norm = {},
                            .pool = pool,
                            .x = x,
                            .mean = nullptr,
                            .var = nullptr,
                            .gamma = nullptr,
                            .beta = nullptr,
                            .y = wrong},
        "x [2, 4, 8, 8] and y [2, 4, 8, 4] do not fit " + window + "y [2, 4, 4, 4]");
  r.add(NormReluPoolBackwardReduce{.norm = {},
                                   .pool = pool,
                                   .dy = y,
                                   .index = nullptr,
                                   .x = view(2, 4, 8, 8, DType::bf16),
                                   .mean = nullptr,
                                   .var = nullptr,
                                   .sum_g = nullptr,
                                   .sum_g_xhat = nullptr},
        "dy [2, 4, 4, 4] is f32 and x [2, 4, 8, 8] is bf16; copy one into the type of the other");
  const float sums[4] = {};
  r.add(NormReluPoolBackwardApply{.norm = {},
                                  .pool = pool,
                                  .dy = y,
                                  .index = nullptr,
                                  .x = {},
                                  .mean = nullptr,
                                  .var = nullptr,
                                  .gamma = nullptr,
                                  .sum_g = sums,
                                  .sum_g_xhat = sums,
                                  .dx = x},
        "dy [2, 4, 4, 4] without x; statistics of a batch need the x they are of");
}

void add_others(Refusals& r) {
  const View x = view(2, 4, 8, 8), y = view(2, 4, 8, 7), half = view(2, 4, 8, 8, DType::bf16);
  const std::string differ = "[2, 4, 8, 7] differ in shape; give both the same";
  r.add(NormalizeU8{.x = nullptr, .channels = 5, .mean = nullptr, .std = nullptr, .y = x},
        "y [2, 4, 8, 8] for pictures of 5 channels; y needs at least as many, and pictures one");
  r.add(ReluForward{.x = x, .y = y}, "x [2, 4, 8, 8] and y " + differ);
  r.add(ReluBackward{.dy = x, .y = half, .dx = x},
        "dy [2, 4, 8, 8] is f32 and y [2, 4, 8, 8] is bf16; copy one into the type of the other");
  r.add(DropoutForward{.x = x, .p = 1.0f, .layer = 0, .state = nullptr, .y = x},
        "x [2, 4, 8, 8] with p 1.000000; use 0 <= p < 1");
  r.add(DropoutForward{.x = x, .p = 0.5f, .layer = 0, .state = nullptr, .y = y},
        "x [2, 4, 8, 8] and y " + differ);
  r.add(Copy{.x = x, .y = y}, "x [2, 4, 8, 8] and y " + differ);
  r.add(Copy{.x = view(2, 4, 8, 8, DType::i64), .y = x}, "x [2, 4, 8, 8] is of type i64; use f32 or bf16");
  r.add(Add{.a = x, .b = y, .y = x}, "a [2, 4, 8, 8] and b " + differ);
  r.add(FlattenForward{.x = x, .y = view(2, 255)},
        "x [2, 4, 8, 8] and y [2, 255, 1, 1] do not fit; y has a row of C * H * W for each picture");
  r.add(FlattenBackward{.dy = view(3, 256), .dx = x},
        "dx [2, 4, 8, 8] and dy [3, 256, 1, 1] do not fit; dy has a row of C * H * W for each picture");
  r.add(
      ShortcutAForward{.x = x, .y = view(2, 3, 4, 4)},
      "x [2, 4, 8, 8] and y [2, 3, 4, 4] do not fit; y is half as high and wide, rounded up, and has as many "
      "channels at least");
  r.add(ShortcutABackward{.dy = view(2, 8, 4, 8), .dx = x},
        "dx [2, 4, 8, 8] and dy [2, 8, 4, 8] do not fit; dy is half as high and wide, rounded up, and has as "
        "many "
        "channels at least");
}

void add_losses_and_steps(Refusals& r) {
  r.add(SoftmaxCrossEntropy{.n = 3,
                            .k = 0,
                            .logits = nullptr,
                            .targets = nullptr,
                            .normalizer = nullptr,
                            .row_loss = nullptr,
                            .loss = nullptr},
        "logits [3, 0]; use at least one class");
  r.add(BinaryCrossEntropyWithLogits{.n = -1,
                                     .k = 1,
                                     .logits = nullptr,
                                     .targets = nullptr,
                                     .normalizer = nullptr,
                                     .row_loss = nullptr,
                                     .loss = nullptr},
        "logits [-1, 1]; use at least one class");
  r.add(GradientNorm{.gradient = nullptr, .count = -4, .state = nullptr}, "count is -4; use 0 or more");
  r.add(SgdStep{.spec = {},
                .segments = nullptr,
                .segment_count = 0,
                .state = nullptr,
                .gradient = nullptr,
                .weight = nullptr},
        "momentum 0.900000 without velocity; give an arena of it");
  static constexpr ArenaSegment backwards[] = {{.begin = 0, .end = 4}, {.begin = 8, .end = 4}};
  r.add(AdamWStep{.spec = {},
                  .segments = backwards,
                  .segment_count = 2,
                  .state = nullptr,
                  .gradient = nullptr,
                  .weight = nullptr,
                  .m = nullptr,
                  .v = nullptr},
        "segment 1 is [8, 4); use 0 <= begin <= end");
}

std::vector<Refusal> refusals() {
  Refusals r;
  add_convolutions(r);
  add_products(r);
  add_batch_norms(r);
  add_pools(r);
  add_others(r);
  add_losses_and_steps(r);
  return r.all;
}

template <class... Op>
std::set<std::string> names_of(List<Op...>) {
  return {Op::name...};
}

// What `call` is answered with; empty if it is not refused.
std::string answer(Backend& backend, const Refusal& refusal) {
  try {
    refusal.call(backend);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_SUITE("kernels") {
  TEST_CASE("a malformed call of any op is refused in the same words on every backend") {
    CountingBackend counting;
    std::vector<Backend*> all{&counting};
    for (const auto& backend : backends()) all.push_back(backend.get());
    std::set<std::string> seen;
    for (const Refusal& refusal : refusals()) {
      seen.insert(refusal.op);
      for (Backend* backend : all) {
        CAPTURE(backend->name());
        CHECK(answer(*backend, refusal) == refusal.op + ": " + refusal.words);
      }
    }
    for (const std::string& name : names_of(Ops{}))
      CHECK_MESSAGE(seen.count(name) == 1, name, " has no malformed call above");
  }
}

}  // namespace thaw::test
