// The contract without a device: a Backend whose ops do nothing compiles, and a dense block over channel
// slices and a recorded step can be written against the header alone.
#include <doctest/doctest.h>

#include <cstdlib>
#include <vector>

#include "kernels/backend.h"

namespace thaw::test {
namespace {

using Bytes = std::uint8_t;

class NullRecording final : public Recording {
 public:
  explicit NullRecording(std::function<void()> step) : step_(std::move(step)) {}
  void replay() override { step_(); }

 private:
  std::function<void()> step_;
};

// Counts the convolutions it is asked for and remembers where the last one wrote.
class NullBackend final : public Backend {
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
  std::unique_ptr<Recording> record(std::function<void()> step) override {
    step();
    return std::make_unique<NullRecording>(std::move(step));
  }
  void normalize_u8(const Bytes*, std::int64_t, const float*, const float*, const Bytes*, View) override {}
  void conv2d_forward(const Conv2dSpec&, ConstView, Weights, const float*, ConstView, Activation,
                      View y) override {
    ++convolutions;
    last = y;
  }
  void conv2d_backward_data(const Conv2dSpec&, ConstView, Weights, View) override {}
  void conv2d_backward_weight(const Conv2dSpec&, ConstView, ConstView, float*, Into) override {}
  void bias_backward(ConstView, float*, Into) override {}
  void linear_forward(ConstView, Weights, const float*, View) override {}
  void linear_backward_data(ConstView, Weights, View) override {}
  void linear_backward_weight(ConstView, ConstView, float*, Into) override {}
  void batch_norm_statistics(ConstView, float*, float*) override {}
  void batch_norm_apply(const BatchNormSpec&, ConstView, const float*, const float*, const float*,
                        const float*, ConstView, View, Bytes*) override {}
  void batch_norm_backward_reduce(const BatchNormSpec&, ConstView, ConstView, const float*, const float*,
                                  const Bytes*, float*, float*) override {}
  void batch_norm_backward_apply(const BatchNormSpec&, ConstView, ConstView, const float*, const float*,
                                 const float*, const Bytes*, const float*, const float*, View, Into,
                                 View) override {}
  void lerp(const float*, std::int64_t, float, float, float*) override {}
  void relu_forward(ConstView, View) override {}
  void relu_backward(ConstView, ConstView, View) override {}
  void max_pool2d_forward(const Pool2dSpec&, ConstView, View, Bytes*) override {}
  void max_pool2d_backward(const Pool2dSpec&, ConstView, const Bytes*, View) override {}
  void avg_pool2d_forward(const Pool2dSpec&, ConstView, View) override {}
  void avg_pool2d_backward(const Pool2dSpec&, ConstView, View) override {}
  void global_avg_pool_forward(ConstView, View) override {}
  void global_avg_pool_backward(ConstView, View) override {}
  void norm_relu_pool_forward(const BatchNormSpec&, const Pool2dSpec&, ConstView, const float*, const float*,
                              const float*, const float*, View, Bytes*) override {}
  void norm_relu_pool_backward_reduce(const BatchNormSpec&, const Pool2dSpec&, ConstView, const Bytes*,
                                      ConstView, const float*, const float*, float*, float*) override {}
  void norm_relu_pool_backward_apply(const BatchNormSpec&, const Pool2dSpec&, ConstView, const Bytes*,
                                     ConstView, const float*, const float*, const float*, const float*,
                                     const float*, View) override {}
  void dropout(ConstView, float, std::uint32_t, const StepState*, View) override {}
  void copy(ConstView, View, Into) override {}
  void add(ConstView, ConstView, View) override {}
  void flatten_forward(ConstView, View) override {}
  void flatten_backward(ConstView, View) override {}
  void shortcut_a_forward(ConstView, View) override {}
  void shortcut_a_backward(ConstView, View) override {}
  void softmax_cross_entropy(std::int64_t, std::int64_t, const float*, const float*, const float*, float*,
                             float*, float*) override {}
  void binary_cross_entropy_with_logits(std::int64_t, std::int64_t, const float*, const float*, const float*,
                                        const float*, float*, float*, float*) override {}
  void gradient_norm(const float*, std::int64_t, StepState*) override {}
  void sgd_step(const SgdSpec&, const ArenaSegment*, std::int64_t, const StepState*, const float*, float*,
                float*, bf16*) override {
    ++steps;
  }
  void adamw_step(const AdamWSpec&, const ArenaSegment*, std::int64_t, const StepState*, const float*, float*,
                  float*, float*, bf16*) override {}
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
      backend.conv2d_forward(spec(before), input(before), {weights_.data(), DType::f32}, nullptr, {},
                             Activation::none, own);
      statistics(backend, before, growth);
    }
  }

  void backward(Backend& backend) {
    for (std::int64_t layer = layers; layer-- > 0;) {
      const std::int64_t before = inputs + layer * growth;
      const View dy = channels(gradient_, before, growth), dx = channels(gradient_, 0, before),
                 x = input(before);
      normalize(backend, before);
      backend.conv2d_backward_weight(spec(before), x, dy, weights_.data(), Into::assign);
      backend.conv2d_backward_data(spec(before), dy, {weights_.data(), DType::f32}, x);
      const BatchNormSpec norm{.activation = Activation::relu};
      const View from = channels(buffer_, 0, before);
      backend.batch_norm_backward_reduce(norm, x, from, mean_.data(), var_.data(), mask_.data(),
                                         sum_g_.data(), sum_gx_.data());
      backend.batch_norm_backward_apply(norm, x, from, mean_.data(), var_.data(), gamma_.data(), mask_.data(),
                                        sum_g_.data(), sum_gx_.data(), dx, Into::add, {});
    }
  }

  View whole() const { return buffer_; }

 private:
  static Conv2dSpec spec(std::int64_t in) {
    return {.in = in, .out = growth, .kernel_h = 3, .kernel_w = 3, .padding = 1};
  }
  View input(std::int64_t count) const { return channels(normalized_, 0, count); }
  void statistics(Backend& backend, std::int64_t begin, std::int64_t count) {
    backend.batch_norm_statistics(channels(buffer_, begin, count), mean_.data() + begin, var_.data() + begin);
  }
  void normalize(Backend& backend, std::int64_t count) {
    backend.batch_norm_apply({.activation = Activation::relu}, channels(buffer_, 0, count), mean_.data(),
                             var_.data(), gamma_.data(), beta_.data(), {}, input(count), mask_.data());
  }

  std::vector<float> memory_, scratch_, gradients_, mean_, var_, gamma_, beta_, sum_g_, sum_gx_, weights_;
  std::vector<Bytes> mask_;
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
      backend.gradient_norm(gradient.data(), 4, &state);
      backend.sgd_step({}, &segment, 1, &state, gradient.data(), weight.data(), velocity.data(), nullptr);
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
