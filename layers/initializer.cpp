#include "layers/initializer.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/philox.h"

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

}  // namespace

void Initializer::fill(Parameter& p, float value) const {
  Tensor host = Tensor::empty_host(p.value.shape());
  std::fill_n(host.as<float>(), host.elements(), value);
  assign(p, host);
}

// Box and Muller 1958: two normals of two uniforms; the first lies in (0, 1], so its logarithm is finite.
void Initializer::normal(Parameter& p, double std) const {
  Tensor host = Tensor::empty_host(p.value.shape());
  const std::uint64_t key = name_key(p.name);
  const auto n = static_cast<std::uint64_t>(host.elements());
  for (std::uint64_t i = 0; i < n; i += 4) {
    const PhiloxBits bits = block(seed_, key, i / 4);
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

void Initializer::uniform(Parameter& p, float bound) const {
  Tensor host = Tensor::empty_host(p.value.shape());
  const std::uint64_t key = name_key(p.name);
  const auto n = static_cast<std::uint64_t>(host.elements());
  for (std::uint64_t i = 0; i < n; ++i) {
    const std::uint32_t bits = block(seed_, key, i / 4).v[i % 4];
    host.as<float>()[i] = bound * (2.0f * philox_uniform(bits) - 1.0f);
  }
  assign(p, host);
}

}  // namespace thaw
