#include "tools/train/shared_prefix.h"

#include <fmt/format.h>

#include <chrono>

#include "models/freeze/receipt.h"

namespace thaw {

namespace {

// Of the samples and of all tensors in stages [0, stages).
std::string identity_of(const FeatureSource& source, std::size_t stages) {
  std::string identity = source.identity;
  for (std::size_t i = 0; i < stages; ++i)
    source.network.stages()[i].module->visit([&identity](Module& m) {
      for (const Parameter* p : m.own_parameters()) identity += fmt::format(" {:x}", hash_tensor(p->value));
      for (const Buffer* b : m.own_buffers()) identity += fmt::format(" {:x}", hash_tensor(b->value));
    });
  return identity;
}

}  // namespace

std::string PrefixUse::text() const {
  return (note.empty() ? "" : note + "; ") +
         fmt::format("the output of {} is kept, {:.1f} MB, ", stage, static_cast<double>(bytes) / 1e6) +
         (source.empty() ? "shared with the run before"
                         : fmt::format("computed from {} in {:.1f} s", source, seconds));
}

std::shared_ptr<const KeptPrefix> SharedPrefix::keep(const FeatureSource& source, std::size_t stages,
                                                     const KeptPrefix* from) const {
  std::size_t held = from == nullptr ? 0 : from->bytes();
  const auto fill = [&](const Dataset& dataset, const std::string& what, const PrefixCache* start) {
    LoaderOptions loading = source.loading;
    loading.pictures = start == nullptr;
    Loader loader(dataset, source.preprocess, loading);
    PrefixCache cache(source.network, source.input, loader, stages,
                      {.progress = "features, " + what,
                       .stop = source.stop,
                       .from = start,
                       .limit = limit_ - std::min(limit_, held)});
    held += cache.bytes();
    return cache;
  };
  auto kept = std::make_shared<KeptPrefix>(
      KeptPrefix{stages, fill(source.splits.train, "training", from ? &from->train : nullptr), {}});
  if (!source.splits.val.samples.empty())
    kept->val = fill(source.splits.val, "validation", from ? &*from->val : nullptr);
  return kept;
}

std::shared_ptr<const KeptPrefix> SharedPrefix::get(const FeatureSource& source, std::size_t stages,
                                                    PrefixUse& use) {
  const auto start = std::chrono::steady_clock::now();
  use = {.stage = source.network.stages()[stages - 1].name};
  if (kept_ && (kept_->stages > stages || identity_of(source, kept_->stages) != identity_)) clear();
  if (kept_ == nullptr || kept_->stages < stages) {
    std::shared_ptr<const KeptPrefix> deeper;
    if (kept_) {
      use.source = "the output of " + source.network.stages()[kept_->stages - 1].name;
      try {
        deeper = keep(source, stages, kept_.get());
      } catch (const FeaturesTooLarge& e) {
        use.note = use.source + " is dropped, not continued: " + e.what();
      }
    }
    clear();
    if (deeper == nullptr) {
      use.source = "the pictures";
      deeper = keep(source, stages, nullptr);
    }
    if (source.stop && source.stop()) return nullptr;
    kept_ = std::move(deeper);
    identity_ = identity_of(source, stages);
    use.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  use.bytes = kept_->bytes();
  return kept_;
}

void SharedPrefix::clear() {
  kept_.reset();
}

}  // namespace thaw
