// The output of a network's frozen first stages for every sample of a dataset, computed once and kept in host
// memory. Exact where the pictures of a sample do not vary: training from it gives the bits of training from
// the pictures.
#pragma once

#include <functional>
#include <vector>

#include "io/data/loader.h"
#include "kernels/error.h"
#include "models/network.h"
#include "tools/network/image_input.h"

namespace thaw {

// How many leading stages give the same output in every epoch: all below them is frozen, uses running
// statistics and draws nothing. Never the head. Never cuts a pair of stages that run as one.
std::size_t fixed_stages(Network& network);

// Bytes that features may take: half of the machine's memory.
std::size_t prefix_limit();

class FeaturesTooLarge : public Error {
 public:
  using Error::Error;
};

class PrefixCache;

struct PrefixCacheOptions {
  std::string progress{};              // labels a bar; empty: none
  std::function<bool()> stop{};        // asked before each batch; once it says true, the cache is of no use
  const PrefixCache* from{};           // of the same samples and fewer stages: `loader` needs no pictures
  std::size_t limit = prefix_limit();  // bytes
};

class PrefixCache {
 public:
  // Runs stages [0, stages), or those that `from` lacks, over every sample of `loader` as its first epoch
  // gives them. Throws Error as the loader does, and FeaturesTooLarge.
  PrefixCache(Network& network, const ImageInput& input, Loader& loader, std::size_t stages,
              const PrefixCacheOptions& options = {});

  std::size_t stages() const { return stages_; }
  std::size_t bytes() const { return features_.bytes(); }
  // The features of these samples [rows,...] in host memory; `stages()` is the stage that takes them.
  Tensor batch(const std::vector<std::int64_t>& indices) const;

 private:
  Shape shape_of(std::int64_t samples) const;
  void reserve(const Tensor& output, std::int64_t samples, std::int64_t total, std::size_t limit);

  std::size_t stages_;
  std::int64_t rows_ = 0;  // of a sample: its views
  Tensor features_;        // [samples * rows, ...]
};

}  // namespace thaw
