#include "tools/train/prefix_cache.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "tools/evaluate/batch_run.h"
#include "tools/program/progress.h"

namespace thaw {
namespace {

bool is_fixed(Module& stage) {
  bool fixed = true;
  stage.visit([&fixed](Module& m) {
    for (const Parameter* p : m.own_parameters()) fixed = fixed && p->frozen;
    fixed = fixed && !m.moves_buffers(Mode::train()) && !m.is_random(Mode::train());
  });
  return fixed;
}

}  // namespace

std::size_t prefix_limit() {
  return static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<std::size_t>(sysconf(_SC_PAGE_SIZE)) / 2;
}

std::size_t fixed_stages(Network& network) {
  const std::vector<Network::Stage>& stages = network.stages();
  std::size_t cut = 0;
  while (cut + 1 < stages.size()) {
    const std::size_t next = cut + stages[cut].fusion.stages;
    if (next >= stages.size()) break;
    for (std::size_t i = cut; i < next; ++i)
      if (!is_fixed(*stages[i].module)) return cut;
    cut = next;
  }
  return cut;
}

PrefixCache::PrefixCache(Network& network, const ImageInput& input, Loader& loader, std::size_t stages,
                         const PrefixCacheOptions& options)
    : stages_(stages) {
  std::unique_ptr<Progress> bar;
  if (!options.progress.empty())
    bar = std::make_unique<Progress>(options.progress, loader.samples(), loader.batches());
  const std::size_t from = options.from == nullptr ? 0 : options.from->stages();
  const auto upload = [&](const Batch& batch) {
    return DeviceBatch{options.from == nullptr
                           ? input(batch.images, batch.flips)
                           : Variable(options.from->batch(batch.indices).to(input.backend())),
                       batch.features.defined() ? batch.features.to(input.backend()) : Tensor()};
  };
  const auto forward = [&](const DeviceBatch& batch) {
    return network.run(batch.x, from, stages, Mode::eval(), batch.numbers);
  };
  const auto keep = [&](const Batch& batch, const Variable& output) {
    const Tensor rows = output.value().to_host();
    if (!features_.defined()) reserve(rows, batch.size(), loader.samples(), options.limit);
    const std::size_t bytes = rows.bytes() / static_cast<std::size_t>(batch.size());
    for (std::size_t i = 0; i < batch.indices.size(); ++i)
      std::memcpy(features_.as<std::byte>() + static_cast<std::size_t>(batch.indices[i]) * bytes,
                  rows.as<std::byte>() + i * bytes, bytes);
    if (bar) bar->advance(batch.size(), batch.waited, 0);
  };
  run_batches(loader, {upload, forward, keep}, options.stop);
}

Shape PrefixCache::shape_of(std::int64_t samples) const {
  Shape shape = features_.shape();
  shape[0] = samples * rows_;
  return shape;
}

void PrefixCache::reserve(const Tensor& output, std::int64_t samples, std::int64_t total, std::size_t limit) {
  rows_ = output.shape()[0] / samples;
  const double bytes =
      static_cast<double>(output.bytes()) / static_cast<double>(samples) * static_cast<double>(total);
  if (bytes > static_cast<double>(limit))
    throw FeaturesTooLarge(
        fmt::format("--cache-features: the features of {} samples take {:.3g} GB, more than the {:.3g} GB "
                    "that are left of "
                    "half of this machine's memory; leave out --cache-features, or freeze up to a later "
                    "stage, where they "
                    "are smaller",
                    total, bytes / 1e9, static_cast<double>(limit) / 1e9));
  Shape shape = output.shape();
  shape[0] = total * rows_;
  features_ = Tensor::empty_host(shape, output.dtype());
}

Tensor PrefixCache::batch(const std::vector<std::int64_t>& indices) const {
  Tensor rows = Tensor::empty_host(shape_of(static_cast<std::int64_t>(indices.size())), features_.dtype());
  const std::size_t bytes = rows.bytes() / indices.size();
  for (std::size_t i = 0; i < indices.size(); ++i)
    std::memcpy(rows.as<std::byte>() + i * bytes,
                features_.as<std::byte>() + static_cast<std::size_t>(indices[i]) * bytes, bytes);
  return rows;
}

}  // namespace thaw
