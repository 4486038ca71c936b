#include "tools/feature_cache.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "layers/batch_norm.h"
#include "layers/dropout.h"
#include "tools/progress.h"

namespace thaw {
namespace {

bool is_fixed(Module& stage) {
  bool fixed = true;
  stage.visit([&fixed](Module& m) {
    for (const Parameter* p : m.own_parameters()) fixed = fixed && p->frozen;
    if (const auto* bn = dynamic_cast<const BatchNorm2d*>(&m))
      fixed = fixed && !bn->uses_batch(Mode::train());
    fixed = fixed && dynamic_cast<const Dropout*>(&m) == nullptr;
  });
  return fixed;
}

double machine_bytes() {
  return static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
}

}  // namespace

std::size_t fixed_stages(Network& network) {
  const std::vector<Network::Stage>& stages = network.stages();
  std::size_t cut = 0;
  while (cut + 1 < stages.size()) {
    const std::size_t next = cut + (stages[cut].with_next ? 2 : 1);
    if (next >= stages.size()) break;
    for (std::size_t i = cut; i < next; ++i)
      if (!is_fixed(*stages[i].module)) return cut;
    cut = next;
  }
  return cut;
}

FeatureCache::FeatureCache(Network& network, const ImageInput& input, Loader& loader, std::size_t stages,
                           const std::string& progress, const std::function<bool()>& stop)
    : stages_(stages) {
  std::unique_ptr<Progress> bar;
  if (!progress.empty()) bar = std::make_unique<Progress>(progress, loader.samples());
  Batch batch;
  loader.start_epoch(0);
  while (loader.next(batch)) {
    if (stop && stop()) return;
    const Variable x = input(batch.images, batch.flips);
    const Tensor numbers = batch.features.defined() ? batch.features.to(x.backend()) : Tensor();
    const Variable output = network.run(x, 0, stages, Mode::eval(), numbers);
    const Tensor rows = output.value().to_host();
    if (!features_.defined()) reserve(rows, batch.size(), loader.samples());
    const std::size_t bytes = rows.bytes() / static_cast<std::size_t>(batch.size());
    for (std::size_t i = 0; i < batch.indices.size(); ++i)
      std::memcpy(features_.as<std::byte>() + static_cast<std::size_t>(batch.indices[i]) * bytes,
                  rows.as<std::byte>() + i * bytes, bytes);
    if (bar) bar->advance(batch.size(), batch.waited, 0);
  }
}

Shape FeatureCache::shape_of(std::int64_t samples) const {
  Shape shape = features_.shape();
  shape[0] = samples * rows_;
  return shape;
}

void FeatureCache::reserve(const Tensor& output, std::int64_t samples, std::int64_t total) {
  rows_ = output.shape()[0] / samples;
  const double bytes =
      static_cast<double>(output.bytes()) / static_cast<double>(samples) * static_cast<double>(total);
  if (bytes > machine_bytes() / 2)
    throw Error(fmt::format(
        "--cache-features: the features of {} samples take {:.1f} GB, this machine has {:.1f} GB; leave out "
        "--cache-features, or freeze up to a later stage, where they are smaller",
        total, bytes / 1e9, machine_bytes() / 1e9));
  Shape shape = output.shape();
  shape[0] = total * rows_;
  features_ = Tensor::empty_host(shape, output.dtype());
}

Tensor FeatureCache::batch(const std::vector<std::int64_t>& indices) const {
  Tensor rows = Tensor::empty_host(shape_of(static_cast<std::int64_t>(indices.size())), features_.dtype());
  const std::size_t bytes = rows.bytes() / indices.size();
  for (std::size_t i = 0; i < indices.size(); ++i)
    std::memcpy(rows.as<std::byte>() + i * bytes,
                features_.as<std::byte>() + static_cast<std::size_t>(indices[i]) * bytes, bytes);
  return rows;
}

}  // namespace thaw
