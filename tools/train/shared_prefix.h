// The kept features of a run's samples, and their sharing between runs that start from the same frozen
// stages.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "io/data/dataset.h"
#include "tools/train/prefix_cache.h"

namespace thaw {

struct KeptPrefix {
  std::size_t stages = 0;  // they are the output of [0, stages)
  PrefixCache train;
  std::optional<PrefixCache> val;  // none without validation samples

  std::size_t bytes() const { return train.bytes() + (val ? val->bytes() : 0); }
};

// What a run did for its features.
struct PrefixUse {
  std::string stage{};   // whose output is kept; empty: none is
  std::string source{};  // what it was computed from: "the pictures", "the output of layer1"; empty: shared
  double seconds = 0;    // that took
  std::size_t bytes = 0;
  std::string note{};  // why what was there could not be continued; empty: nothing to say

  // "the output of layer2 is kept, 3.4 MB, computed from the pictures in 2.1 s"
  std::string text() const;
};

// All that features depend on, besides the device, the precision and the weights of the stages.
struct FeatureSource {
  Network& network;
  const ImageInput& input;
  const DatasetSplits& splits;
  const Preprocess& preprocess;
  LoaderOptions loading;       // of one pass
  std::string identity;        // equal for equal samples and preprocessing
  std::function<bool()> stop;  // see PrefixCache
};

// Holds the features of one cut. For runs of one device, precision and batch size.
class SharedPrefix {
 public:
  explicit SharedPrefix(std::size_t limit = prefix_limit()) : limit_(limit) {}

  // The features of stages [0, stages), exactly as computed from the pictures: those that are held where
  // identity, depth and the bits of all tensors of these stages are the same; computed from those that are
  // held where these are of fewer, equal stages and both fit into the limit (bytes); else from the pictures.
  // What was held before is dropped. Null: `stop` said true. Throws Error as PrefixCache does.
  std::shared_ptr<const KeptPrefix> get(const FeatureSource& source, std::size_t stages, PrefixUse& use);

  void clear();

 private:
  std::shared_ptr<const KeptPrefix> keep(const FeatureSource& source, std::size_t stages,
                                         const KeptPrefix* from) const;

  std::size_t limit_;
  std::shared_ptr<const KeptPrefix> kept_;
  std::string identity_;  // of the samples and of the stages' tensors
};

}  // namespace thaw
