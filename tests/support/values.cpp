#include "tests/support/values.h"

#include <cmath>
#include <cstring>
#include <iterator>

#include "kernels/philox.h"

namespace thaw::test {
namespace {

std::vector<std::uint8_t> encoded(const Doubles& values, DType type) {
  std::vector<std::uint8_t> bytes(values.size() * item_size(type));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto f = static_cast<float>(values[i]);
    const bf16 b(f);
    std::memcpy(bytes.data() + i * item_size(type), type == DType::f32 ? static_cast<const void*>(&f) : &b,
                item_size(type));
  }
  return bytes;
}

Doubles spread(const Values& values, Index gap) {
  const Index pitch = values.c + 2 * gap;
  Doubles all(static_cast<std::size_t>(values.pixels() * pitch), Activations::prefill);
  for (Index p = 0; p < values.pixels(); ++p) {
    for (Index c = 0; c < values.c; ++c) {
      all[static_cast<std::size_t>(p * pitch + gap + c)] =
          values.v[static_cast<std::size_t>(p * values.c + c)];
    }
  }
  if (values.pixels() > 0) all.resize(all.size() - static_cast<std::size_t>(gap));
  return all;
}

Values filled(Index n, Index h, Index w, Index c) {
  Values values(n, h, w, c);
  for (double& v : values.v) v = Activations::prefill;
  return values;
}

}  // namespace

double rounded(double value, DType type) {
  const auto f = static_cast<float>(value);
  return static_cast<double>(type == DType::bf16 ? static_cast<float>(bf16(f)) : f);
}

Doubles random_values(Index count, std::uint64_t seed, DType type, double low, double high) {
  PhiloxStream stream(seed, Purpose::test, 0, 0);
  Doubles values(static_cast<std::size_t>(count));
  for (double& v : values) v = rounded(low + (high - low) * static_cast<double>(stream.uniform()), type);
  return values;
}

std::vector<float> floats(const Doubles& values) {
  std::vector<float> out(values.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(values[i]);
  return out;
}

Doubles doubles(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

Doubles absolute(Doubles values) {
  for (double& v : values) v = std::abs(v);
  return values;
}

Values random_image(Index n, Index h, Index w, Index c, std::uint64_t seed, DType type) {
  Values values(n, h, w, c);
  values.v = random_values(n * h * w * c, seed, type);
  return values;
}

Values random_image(const Extent& e, std::uint64_t seed, DType type) {
  return random_image(e.n, e.h, e.w, e.c, seed, type);
}

std::string Extent::text() const {
  return std::to_string(n) + "x" + std::to_string(h) + "x" + std::to_string(w) + ", channels " +
         std::to_string(c) + ", gap " + std::to_string(gap);
}

std::vector<Extent> extents_of_sums() {
  std::vector<Extent> all(std::begin(extents), std::end(extents));
  all.push_back({1, 150, 150, 40});  // 352 parts on 132 multiprocessors; a pass takes 32
  return all;
}

Values absolute(Values values) {
  values.v = absolute(std::move(values.v));
  return values;
}

Activations::Activations(const Device& device, Index n, Index h, Index w, Index c, Index gap)
    : Activations(device, filled(n, h, w, c), gap) {}

Activations::Activations(const Device& device, const Values& values, Index gap)
    : device_(device),
      n_(values.n),
      h_(values.h),
      w_(values.w),
      c_(values.c),
      gap_(gap),
      bytes_(device.backend, encoded(spread(values, gap), device.type)) {}

View Activations::view() const {
  View view;
  view.data = bytes_.data() + static_cast<std::size_t>(gap_) * item_size(device_.type);
  view.type = device_.type;
  view.n = n_;
  view.h = h_;
  view.w = w_;
  view.c = c_;
  view.pitch = c_ + 2 * gap_;
  return view;
}

std::vector<float> Activations::everything() const {
  const std::vector<std::uint8_t> bytes = bytes_.host();
  std::vector<float> all(bytes.size() / item_size(device_.type));
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (device_.type == DType::f32) {
      std::memcpy(&all[i], bytes.data() + i * 4, 4);
    } else {
      bf16 value;
      std::memcpy(&value, bytes.data() + i * 2, 2);
      all[i] = static_cast<float>(value);
    }
  }
  return all;
}

Values Activations::host() const {
  const std::vector<float> all = everything();
  Values values(n_, h_, w_, c_);
  for (Index p = 0; p < values.pixels(); ++p) {
    for (Index c = 0; c < c_; ++c) {
      values.v[static_cast<std::size_t>(p * c_ + c)] =
          static_cast<double>(all[static_cast<std::size_t>(p * (c_ + 2 * gap_) + gap_ + c)]);
    }
  }
  return values;
}

bool Activations::outside_untouched() const {
  const std::vector<float> all = everything();
  const auto pitch = static_cast<std::size_t>(c_ + 2 * gap_), gap = static_cast<std::size_t>(gap_);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool outside = i % pitch < gap || i % pitch >= gap + static_cast<std::size_t>(c_);
    if (outside && all[i] != static_cast<float>(prefill)) return false;
  }
  return true;
}

DeviceWeights::DeviceWeights(const Device& device, const Doubles& values)
    : type_(device.type), bytes_(device.backend, encoded(values, device.type)) {}

}  // namespace thaw::test
