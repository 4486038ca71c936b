// The contract without a device: a Backend whose ops do nothing compiles, and a dense block over channel
// slices and a recorded step can be written against the header alone.
#include <doctest/doctest.h>

#include <cstdlib>
#include <vector>

#include "kernels/backend.h"

namespace thaw::test {
namespace {

// Counts the convolutions it is asked for and remembers where the last one wrote.
class NullBackend final : public BackendOf<NullBackend> {
 public:
  int convolutions = 0, steps = 0;
  View last;

  std::string name() const override { return "null"; }
  std::string description() const override { return "does nothing"; }
  bool host_memory() const override { return true; }
  bool supports(DType) const override { return true; }
  void* allocate(std::size_t bytes) override { return std::malloc(bytes); }
  void deallocate(void* pointer, std::size_t) noexcept override { std::free(pointer); }
  std::size_t bytes_in_use() const override { return 0; }
  std::size_t peak_bytes() const override { return 0; }
  void reset_peak() override {}
  void upload(void*, const void*, std::size_t) override {}
  void download(void*, const void*, std::size_t) override {}
  void copy_bytes(void*, const void*, std::size_t) override {}
  void zero(void*, std::size_t) override {}
  void synchronize() override {}

  template <class Op>
  void compute(const Op&) {}
  void compute(const Conv2dForward& op) {
    ++convolutions;
    last = op.y;
  }
  void compute(const SgdStep&) { ++steps; }
};

View channels(View whole, std::int64_t begin, std::int64_t count) {
  View part = whole;
  part.data = static_cast<float*>(whole.data) + begin;
  part.c = count;
  return part;
}

View packed(std::vector<float>& memory, std::int64_t n, std::int64_t size, std::int64_t c) {
  memory.resize(static_cast<std::size_t>(n * size * size * c));
  View view;
  view.data = memory.data();
  view.n = n;
  view.h = view.w = size;
  view.c = view.pitch = c;
  return view;
}

// A DenseNet block over one buffer. The statistics of a channel are made once, when it is written; each layer
// reads the channels before its own and writes its own, so that nothing is ever concatenated.
class DenseBlock {
 public:
  static constexpr std::int64_t layers = 3, inputs = 8, growth = 4, width = inputs + layers * growth;

  DenseBlock() {
    for (auto* values : {&mean_, &var_, &gamma_, &beta_, &sum_g_, &sum_gx_}) values->resize(width);
    weights_.resize(static_cast<std::size_t>(growth * 9 * width));
    mask_.resize(static_cast<std::size_t>(relu_mask_bytes(buffer_.pixels(), width)));
  }

  void forward(Backend& backend) {
    statistics(backend, 0, inputs);
    for (std::int64_t layer = 0; layer < layers; ++layer) {
      const std::int64_t before = inputs + layer * growth;
      const View own = channels(buffer_, before, growth);
      normalize(backend, before);
      backend(Conv2dForward{
          .spec = spec(before), .x = input(before), .weight = {weights_.data(), DType::f32}, .y = own});
      statistics(backend, before, growth);
    }
  }

  void backward(Backend& backend) {
    for (std::int64_t layer = layers; layer-- > 0;) {
      const std::int64_t before = inputs + layer * growth;
      const View dy = channels(gradient_, before, growth), dx = channels(gradient_, 0, before),
                 x = input(before);
      normalize(backend, before);
      backend(Conv2dBackwardWeight{
          .spec = spec(before), .x = x, .dy = dy, .dweight = weights_.data(), .into = Into::assign});
      backend(Conv2dBackwardData{
          .spec = spec(before), .dy = dy, .weight = {weights_.data(), DType::f32}, .dx = x});
      const BatchNormSpec norm{.activation = Activation::relu};
      const View from = channels(buffer_, 0, before);
      backend(BatchNormBackwardReduce{.spec = norm,
                                      .dy = x,
                                      .x = from,
                                      .mean = mean_.data(),
                                      .var = var_.data(),
                                      .relu_mask = mask_.data(),
                                      .sum_g = sum_g_.data(),
                                      .sum_g_xhat = sum_gx_.data()});
      backend(BatchNormBackwardApply{.spec = norm,
                                     .dy = x,
                                     .x = from,
                                     .mean = mean_.data(),
                                     .var = var_.data(),
                                     .gamma = gamma_.data(),
                                     .relu_mask = mask_.data(),
                                     .sum_g = sum_g_.data(),
                                     .sum_g_xhat = sum_gx_.data(),
                                     .dx = dx,
                                     .into = Into::add});
    }
  }

  View whole() const { return buffer_; }

 private:
  static Conv2dSpec spec(std::int64_t in) {
    return {.in = in, .out = growth, .kernel_h = 3, .kernel_w = 3, .padding = 1};
  }
  View input(std::int64_t count) const { return channels(normalized_, 0, count); }
  void statistics(Backend& backend, std::int64_t begin, std::int64_t count) {
    backend(BatchNormStatistics{
        .x = channels(buffer_, begin, count), .mean = mean_.data() + begin, .var = var_.data() + begin});
  }
  void normalize(Backend& backend, std::int64_t count) {
    backend(BatchNormApply{.spec = {.activation = Activation::relu},
                           .x = channels(buffer_, 0, count),
                           .mean = mean_.data(),
                           .var = var_.data(),
                           .gamma = gamma_.data(),
                           .beta = beta_.data(),
                           .y = input(count),
                           .relu_mask = mask_.data()});
  }

  std::vector<float> memory_, scratch_, gradients_, mean_, var_, gamma_, beta_, sum_g_, sum_gx_, weights_;
  std::vector<std::uint8_t> mask_;
  View buffer_ = packed(memory_, 2, 5, width), normalized_ = packed(scratch_, 2, 5, width),
       gradient_ = packed(gradients_, 2, 5, width);
};

}  // namespace

TEST_SUITE("kernels") {
  TEST_CASE("a dense block over channel slices and a recorded step, against the contract alone") {
    NullBackend backend;
    DenseBlock block;
    std::vector<float> weight(4), gradient(4), velocity(4);
    StepState state{.lr = 0.1f};
    const ArenaSegment segment{0, 4, 1.0f, 0.0f};
    const auto recording = backend.record([&] {
      block.forward(backend);
      block.backward(backend);
      backend(GradientNorm{.gradient = gradient.data(), .count = 4, .state = &state});
      backend(SgdStep{.spec = {},
                      .segments = &segment,
                      .segment_count = 1,
                      .state = &state,
                      .gradient = gradient.data(),
                      .weight = weight.data(),
                      .velocity = velocity.data()});
    });
    recording->replay();
    CHECK(backend.convolutions == 2 * DenseBlock::layers);
    CHECK(backend.steps == 2);
    // The last layer writes the last channels of the block's own buffer.
    CHECK(backend.last.pitch == DenseBlock::width);
    CHECK(static_cast<float*>(backend.last.data) ==
          static_cast<float*>(block.whole().data) + DenseBlock::width - DenseBlock::growth);
  }
}

}  // namespace thaw::test
