#include "models/weights/initialize.h"

#include <cmath>
#include <numbers>

#include "kernels/philox.h"
#include "layers/batch_norm.h"
#include "layers/conv2d.h"
#include "layers/linear.h"
#include "models/network.h"

namespace thaw {

namespace {

// FNV-1a (Fowler, Noll, Vo): the stream of a name.
std::uint64_t name_key(const std::string& name) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

// Block i of four words of a parameter's stream; the name's hash fills the counter above the index.
PhiloxBits block(std::uint64_t seed, std::uint64_t key, std::uint64_t i) {
  return philox(seed, Purpose::init, static_cast<std::uint32_t>(key), (key & 0xffffffff00000000u) | i);
}

void assign(Parameter& p, const Tensor& host) {
  p.value.copy_from(host);
  ++p.version;
}

void fill(Parameter& p, float value) {
  Tensor host = Tensor::empty_host(p.value.shape());
  std::fill_n(host.as<float>(), host.elements(), value);
  assign(p, host);
}

// Box and Muller 1958: two normals of two uniforms; the first lies in (0, 1], so its logarithm is finite.
void fill_normal(Parameter& p, std::uint64_t seed, double std) {
  Tensor host = Tensor::empty_host(p.value.shape());
  const std::uint64_t key = name_key(p.name);
  const auto n = static_cast<std::uint64_t>(host.elements());
  for (std::uint64_t i = 0; i < n; i += 4) {
    const PhiloxBits bits = block(seed, key, i / 4);
    double normal[4];
    for (int k = 0; k < 4; k += 2) {
      const double radius = std * std::sqrt(-2.0 * std::log(1.0 - philox_uniform(bits.v[k])));
      const double angle = 2.0 * std::numbers::pi * philox_uniform(bits.v[k + 1]);
      normal[k] = radius * std::cos(angle);
      normal[k + 1] = radius * std::sin(angle);
    }
    for (std::uint64_t k = 0; k < 4 && i + k < n; ++k)
      host.as<float>()[i + k] = static_cast<float>(normal[k]);
  }
  assign(p, host);
}

void fill_uniform(Parameter& p, std::uint64_t seed, float bound) {
  Tensor host = Tensor::empty_host(p.value.shape());
  const std::uint64_t key = name_key(p.name);
  const auto n = static_cast<std::uint64_t>(host.elements());
  for (std::uint64_t i = 0; i < n; ++i) {
    const std::uint32_t bits = block(seed, key, i / 4).v[i % 4];
    host.as<float>()[i] = bound * (2.0f * philox_uniform(bits) - 1.0f);
  }
  assign(p, host);
}

// torch.nn's Kaiming rule with a = sqrt(5) comes to this.
template <class Layer>
void initialize_uniform(Layer& layer, std::uint64_t seed, std::int64_t fan_in) {
  const float bound = 1.0f / std::sqrt(static_cast<float>(fan_in));
  fill_uniform(layer.weight, seed, bound);
  if (layer.has_bias()) fill_uniform(layer.bias, seed, bound);
}

void initialize_conv(Conv2d& conv, std::uint64_t seed, InitialWeights rule) {
  const Conv2dSpec& spec = conv.spec();
  const std::int64_t kernel = spec.kernel_h * spec.kernel_w;
  if (rule == InitialWeights::uniform_fan_in)
    return initialize_uniform(conv, seed, spec.in * kernel / spec.groups);
  const std::int64_t channels = rule == InitialWeights::kaiming_fan_in ? spec.in : spec.out;
  const std::int64_t fan = channels * kernel / spec.groups;
  fill_normal(conv.weight, seed, std::sqrt(2.0 / static_cast<double>(fan)));
  if (conv.has_bias()) fill(conv.bias, 0.0f);
}

void initialize_linear(Linear& linear, std::uint64_t seed, InitialWeights rule) {
  initialize_uniform(linear, seed, linear.in());
  if (rule == InitialWeights::kaiming_fan_in && linear.has_bias()) fill(linear.bias, 0.0f);
}

void initialize_batch_norm(BatchNorm2d& bn) {
  fill(bn.weight, 1.0f);
  fill(bn.bias, 0.0f);
  Tensor ones = Tensor::empty_host(bn.running_var.value.shape());
  std::fill_n(ones.as<float>(), ones.elements(), 1.0f);
  bn.running_var.value.copy_from(ones);
  bn.running_mean.value.copy_from(Tensor::zeros_host(bn.running_mean.value.shape()));
  bn.num_batches_tracked.value.copy_from(Tensor::zeros_host({}, DType::i64));
  ++bn.version;
}

}  // namespace

void initialize(Module& module, std::uint64_t seed) {
  const auto* network = dynamic_cast<const Network*>(&module);
  const InitialWeights rule =
      network != nullptr ? network->initial_weights() : InitialWeights::kaiming_fan_out;
  module.visit([seed, rule](Module& m) {
    if (auto* conv = dynamic_cast<Conv2d*>(&m))
      initialize_conv(*conv, seed, rule);
    else if (auto* linear = dynamic_cast<Linear*>(&m))
      initialize_linear(*linear, seed, rule);
    else if (auto* bn = dynamic_cast<BatchNorm2d*>(&m))
      initialize_batch_norm(*bn);
    else if (!m.own_parameters().empty())
      throw Error("initialize: no rule for the parameters of module " + m.path());
  });
}

}  // namespace thaw
