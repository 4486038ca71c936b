// The gradients of the reference ops against central differences, in double: the oracle of the other devices
// is itself checked. f(x) = sum of random weights times the op's outputs; its gradient is the op's backward
// of those weights.
#include <doctest/doctest.h>

#include "kernels/reference/activation.h"
#include "kernels/reference/batch_norm.h"
#include "kernels/reference/conv2d.h"
#include "kernels/reference/dropout.h"
#include "kernels/reference/flatten.h"
#include "kernels/reference/linear.h"
#include "kernels/reference/losses.h"
#include "kernels/reference/norm_relu_pool.h"
#include "kernels/reference/pool2d.h"
#include "kernels/reference/shortcut_a.h"
#include "tests/support/compare.h"

namespace thaw::test {
namespace {

constexpr DType exact = DType::f32;

double dot(const Doubles& a, const Doubles& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// Checks an op from x to y: forward(x, y) and backward(dy, dx), each of Values.
template <class Forward, class Backward>
std::string op_mismatch(Values x, Values y, Forward forward, Backward backward) {
  const Values dy = random_image(y.n, y.h, y.w, y.c, 99, exact);
  forward(x, y);
  Values dx(x.n, x.h, x.w, x.c);
  backward(dy, dx);
  return gradient_mismatch(
      [&](const Doubles& at) {
        Values moved = x, out = y;
        moved.v = at;
        forward(moved, out);
        return dot(out.v, dy.v);
      },
      x.v, dx.v, 1);
}

}  // namespace

TEST_SUITE("kernels") {
  TEST_CASE("gradients: conv2d with respect to input, weight and bias") {
    const Conv2dSpec specs[] = {
        {.in = 4, .out = 6, .kernel_h = 3, .kernel_w = 3, .stride = 2, .padding = 1},
        {.in = 4, .out = 6, .kernel_h = 3, .kernel_w = 3, .padding = 2, .dilation = 2, .groups = 2},
        {.in = 3, .out = 5},
    };
    for (const Conv2dSpec& s : specs) {
      INFO("kernel ", s.kernel_h, ", groups ", s.groups);
      const Values x = random_image(2, 6, 5, s.in, 1, exact);
      const Values y(2, s.out_h(6), s.out_w(5), s.out), dy = random_image(2, y.h, y.w, y.c, 2, exact);
      const Doubles weight = random_values(s.weight_elements(), 3, exact),
                    bias = random_values(s.out, 4, exact);
      const auto value = [&](const Values& input, const Doubles& w, const Doubles& b) {
        Values out = y;
        reference::conv2d_forward<double>(s, input.image(), w.data(), b.data(), {}, Activation::none,
                                          out.image());
        return dot(out.v, dy.v);
      };
      Values dx = x;
      Doubles dweight(weight.size()), dbias(bias.size());
      reference::conv2d_backward_data<double>(s, dy.image(), weight.data(), dx.image());
      reference::conv2d_backward_weight<double>(s, x.image(), dy.image(), dweight.data(), Into::assign);
      reference::bias_backward<double>(dy.image(), dbias.data(), Into::assign);
      Values moved = x;
      CHECK(gradient_mismatch(
                [&](const Doubles& at) {
                  moved.v = at;
                  return value(moved, weight, bias);
                },
                x.v, dx.v, 5) == "");
      CHECK(gradient_mismatch([&](const Doubles& at) { return value(x, at, bias); }, weight, dweight, 6) ==
            "");
      CHECK(gradient_mismatch([&](const Doubles& at) { return value(x, weight, at); }, bias, dbias, 7) == "");
    }
  }

  TEST_CASE("gradients: linear with respect to input and weight") {
    const Values x = random_image(3, 1, 1, 7, 1, exact), dy = random_image(3, 1, 1, 4, 2, exact);
    const Doubles weight = random_values(28, 3, exact);
    const auto value = [&](const Values& input, const Doubles& w) {
      Values out(3, 1, 1, 4);
      reference::linear_forward<double>(input.image(), w.data(), nullptr, out.image());
      return dot(out.v, dy.v);
    };
    Values dx = x, moved = x;
    Doubles dweight(weight.size());
    reference::linear_backward_data<double>(dy.image(), weight.data(), dx.image());
    reference::linear_backward_weight<double>(x.image(), dy.image(), dweight.data(), Into::assign);
    CHECK(gradient_mismatch(
              [&](const Doubles& at) {
                moved.v = at;
                return value(moved, weight);
              },
              x.v, dx.v, 4) == "");
    CHECK(gradient_mismatch([&](const Doubles& at) { return value(x, at); }, weight, dweight, 5) == "");
  }

  TEST_CASE("gradients: batch_norm through its statistics, ReLU and residual") {
    for (const bool moving : {true, false}) {
      INFO("batch statistics ", moving);
      const BatchNormSpec spec{.activation = Activation::relu};
      const Index c = 5;
      const Values x = random_image(3, 4, 3, c, 1, exact), residual = random_image(3, 4, 3, c, 2, exact);
      const Values dy = random_image(3, 4, 3, c, 3, exact);
      const Doubles gamma = random_values(c, 4, exact, 0.5, 1.5), beta = random_values(c, 5, exact);
      const Doubles running_mean = random_values(c, 6, exact),
                    running_var = random_values(c, 7, exact, 0.5, 2.0);
      std::vector<std::uint8_t> mask(static_cast<std::size_t>(relu_mask_bytes(x.pixels(), c)));
      Doubles mean = running_mean, var = running_var;
      const auto value = [&](const Values& input, const Doubles& scale, const Doubles& shift,
                             const Values& add) {
        if (moving) reference::batch_norm_statistics<double>(input.image(), mean.data(), var.data());
        Values out = x;
        reference::batch_norm_apply<double>(
            spec, input.image(),
            {.mean = mean.data(), .var = var.data(), .gamma = scale.data(), .beta = shift.data()},
            add.image(), out.image(), mask.data());
        return dot(out.v, dy.v);
      };
      value(x, gamma, beta, residual);
      Doubles sum_g(static_cast<std::size_t>(c)), sum_gx = sum_g;
      Values dx = x, dresidual = x, moved = x;
      reference::batch_norm_backward_reduce<double>(spec, dy.image(), x.image(),
                                                    {.mean = mean.data(), .var = var.data()}, mask.data(),
                                                    sum_g.data(), sum_gx.data());
      reference::batch_norm_backward_apply<double>(
          spec, dy.image(), x.image(), {.mean = mean.data(), .var = var.data(), .gamma = gamma.data()},
          mask.data(), moving ? sum_g.data() : nullptr, moving ? sum_gx.data() : nullptr, dx.image(),
          Into::assign, dresidual.image());
      const auto with = [&](const Doubles& at) {
        moved.v = at;
        return moved;
      };
      const auto by_input = [&](const Doubles& at) { return value(with(at), gamma, beta, residual); };
      const auto by_gamma = [&](const Doubles& at) { return value(x, at, beta, residual); };
      const auto by_beta = [&](const Doubles& at) { return value(x, gamma, at, residual); };
      const auto by_residual = [&](const Doubles& at) { return value(x, gamma, beta, with(at)); };
      CHECK(gradient_mismatch(by_input, x.v, dx.v, 8) == "");
      CHECK(gradient_mismatch(by_gamma, gamma, sum_gx, 9) == "");
      CHECK(gradient_mismatch(by_beta, beta, sum_g, 10) == "");
      CHECK(gradient_mismatch(by_residual, residual.v, dresidual.v, 11) == "");
    }
  }

  TEST_CASE("gradients: norm_relu_pool through its statistics") {
    for (const bool moving : {true, false}) {
      INFO("batch statistics ", moving);
      const Pool2dSpec pool{.kernel = 3, .stride = 2, .padding = 1};
      const Index c = 5;
      const Values x = random_image(2, 7, 6, c, 1, exact);
      const Values y(2, pool.out_size(7), pool.out_size(6), c), dy = random_image(2, y.h, y.w, c, 2, exact);
      const Doubles gamma = random_values(c, 3, exact, -1.5, 1.5), beta = random_values(c, 4, exact);
      Doubles mean = random_values(c, 5, exact), var = random_values(c, 6, exact, 0.5, 2.0);
      std::vector<std::uint8_t> index(y.v.size());
      const auto value = [&](const Values& input, const Doubles& scale, const Doubles& shift) {
        if (moving) reference::batch_norm_statistics<double>(input.image(), mean.data(), var.data());
        Values out = y;
        reference::norm_relu_pool_forward<double>(
            {}, pool, input.image(),
            {.mean = mean.data(), .var = var.data(), .gamma = scale.data(), .beta = shift.data()},
            out.image(), index.data());
        return dot(out.v, dy.v);
      };
      value(x, gamma, beta);
      Doubles sum_g(static_cast<std::size_t>(c)), sum_gx = sum_g;
      Values dx = x, moved = x;
      reference::norm_relu_pool_backward_reduce<double>({}, pool, dy.image(), index.data(), x.image(),
                                                        {.mean = mean.data(), .var = var.data()},
                                                        sum_g.data(), sum_gx.data());
      reference::norm_relu_pool_backward_apply<double>(
          {}, pool, dy.image(), index.data(), x.image(),
          {.mean = mean.data(), .var = var.data(), .gamma = gamma.data()}, moving ? sum_g.data() : nullptr,
          moving ? sum_gx.data() : nullptr, dx.image());
      const auto by_input = [&](const Doubles& at) {
        moved.v = at;
        return value(moved, gamma, beta);
      };
      const auto by_gamma = [&](const Doubles& at) { return value(x, at, beta); };
      const auto by_beta = [&](const Doubles& at) { return value(x, gamma, at); };
      CHECK(gradient_mismatch(by_input, x.v, dx.v, 8) == "");
      CHECK(gradient_mismatch(by_gamma, gamma, sum_gx, 9) == "");
      CHECK(gradient_mismatch(by_beta, beta, sum_g, 10) == "");
    }
  }

  TEST_CASE("gradients: relu, pooling, dropout, flatten, shortcut_a") {
    const Values x = random_image(2, 7, 6, 5, 1, exact);
    Values relu_output = x;
    CHECK(op_mismatch(
              x, x,
              [&](Values& in, Values& out) {
                reference::relu_forward<double>(in.image(), out.image());
                relu_output = out;
              },
              [&](const Values& dy, Values& dx) {
                reference::relu_backward<double>(dy.image(), relu_output.image(), dx.image());
              }) == "");
    const Pool2dSpec pool{.kernel = 3, .stride = 2, .padding = 1, .ceil_mode = true};
    const Values pooled(2, pool.out_size(7), pool.out_size(6), 5);
    std::vector<std::uint8_t> index(pooled.v.size());
    CHECK(op_mismatch(
              x, pooled,
              [&](Values& in, Values& out) {
                reference::max_pool2d_forward<double>(pool, in.image(), out.image(), index.data());
              },
              [&](const Values& dy, Values& dx) {
                reference::max_pool2d_backward<double>(pool, dy.image(), index.data(), dx.image());
              }) == "");
    CHECK(op_mismatch(
              x, pooled,
              [&](Values& in, Values& out) {
                reference::avg_pool2d_forward<double>(pool, in.image(), out.image());
              },
              [&](const Values& dy, Values& dx) {
                reference::avg_pool2d_backward<double>(pool, dy.image(), dx.image());
              }) == "");
    CHECK(op_mismatch(
              x, Values(2, 1, 1, 5),
              [](Values& in, Values& out) {
                reference::global_avg_pool_forward<double>(in.image(), out.image());
              },
              [](const Values& dy, Values& dx) {
                reference::global_avg_pool_backward<double>(dy.image(), dx.image());
              }) == "");
    const StepState state{.step = 3, .seed = 4};
    CHECK(op_mismatch(
              x, x,
              [&](Values& in, Values& out) {
                reference::dropout<double>(in.image(), 0.4f, 2, state, out.image());
              },
              [&](const Values& dy, Values& dx) {
                reference::dropout<double>(dy.image(), 0.4f, 2, state, dx.image());
              }) == "");
    CHECK(op_mismatch(
              x, Values(2, 1, 1, 7 * 6 * 5),
              [](Values& in, Values& out) { reference::flatten_forward<double>(in.image(), out.image()); },
              [](const Values& dy, Values& dx) {
                reference::flatten_backward<double>(dy.image(), dx.image());
              }) == "");
    CHECK(op_mismatch(
              x, Values(2, 4, 3, 12),
              [](Values& in, Values& out) { reference::shortcut_a_forward<double>(in.image(), out.image()); },
              [](const Values& dy, Values& dx) {
                reference::shortcut_a_backward<double>(dy.image(), dx.image());
              }) == "");
  }

  TEST_CASE("gradients: the losses with respect to the logits") {
    const Index n = 4, k = 6;
    const Doubles logits = random_values(n * k, 1, exact, -3.0, 3.0),
                  targets = random_values(n * k, 2, exact, 0.0, 1.0);
    const Doubles weights = random_values(n * k, 3, exact, 0.5, 2.0);
    const double normalizer = 3.5;
    Doubles rows(4), loss(1), softmax(logits.size()), binary(logits.size());
    reference::softmax_cross_entropy<double>(n, k, logits.data(), targets.data(), &normalizer, rows.data(),
                                             loss.data(), softmax.data());
    const auto softmax_loss = [&](const Doubles& at) {
      Doubles value(1);
      reference::softmax_cross_entropy<double>(n, k, at.data(), targets.data(), &normalizer, rows.data(),
                                               value.data(), nullptr);
      return value[0];
    };
    CHECK(gradient_mismatch(softmax_loss, logits, softmax, 4) == "");
    reference::binary_cross_entropy_with_logits<double>(n, k, logits.data(), targets.data(), weights.data(),
                                                        &normalizer, rows.data(), loss.data(), binary.data());
    const auto binary_loss = [&](const Doubles& at) {
      Doubles value(1);
      reference::binary_cross_entropy_with_logits<double>(n, k, at.data(), targets.data(), weights.data(),
                                                          &normalizer, rows.data(), value.data(), nullptr);
      return value[0];
    };
    CHECK(gradient_mismatch(binary_loss, logits, binary, 5) == "");
  }

  TEST_CASE("gradients: the check itself finds a wrong gradient and knows a kink") {
    const auto square = [](const Doubles& at) { return at[0] * at[0]; };
    CHECK(gradient_mismatch(square, {0.7}, {1.4}, 1) == "");
    CHECK(gradient_mismatch(square, {0.7}, {1.41}, 1) != "");
    CHECK(gradient_mismatch([](const Doubles& at) { return std::abs(at[0]); }, {0.0}, {0.0}, 1) != "");
  }
}

}  // namespace thaw::test
