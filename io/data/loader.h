// Batches of pictures, decoded and transformed ahead of time by threads of its own.
//
// Batches come in order and hold the same bits for any number of workers: every sample's random numbers are
// keyed by (seed, epoch, index of the sample, how often it came before in the epoch), the order by (seed,
// epoch). Used from one thread. Where a
// sample has V views, its pictures lie one after another in the batch and view v is keyed as sample index * V
// + v.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "io/data/dataset.h"
#include "io/picture/transform.h"
#include "tensor/tensor.h"

namespace thaw {

struct Batch {
  Tensor images;            // u8 [N*V,C,H,W], channels-last, host memory, not yet flipped or normalised
  Tensor features;          // f32 [N,F], host memory; undefined without features
  std::vector<int> labels;  // [N]
  std::vector<std::int64_t> indices;  // [N] into Dataset::samples
  std::vector<std::uint8_t> flips;    // [N*V] 1: to be mirrored left to right by the device op
  double waited = 0;                  // seconds next() waited for this batch

  std::int64_t size() const { return static_cast<std::int64_t>(labels.size()); }
};

struct LoaderOptions {
  int batch_size = 64;
  bool train = false;  // random crops and flips; otherwise the evaluation transform
  bool shuffle = false;
  bool balanced = false;  // with shuffle: every class equally often, as balanced_order says
  bool pictures = true;   // false: batches hold labels and indices only, and no file is opened
  std::uint64_t seed = 0;
  int workers = 2;         // 0: next() decodes on the caller's thread
  bool drop_last = false;  // leave out a last batch that isn't full
  // A last batch of one sample (BatchNorm in training can't take it) joins the batch before it, which then
  // holds batch_size + 1. A dataset of one sample still gives one batch of one.
  bool merge_last_single = false;
  std::size_t cache_bytes = std::size_t{256}
                            << 20;  // decoded pictures kept for later epochs, up to this much
  Augment augment{};
  ImageLimits limits{};
};

class Loader {
 public:
  // Copies what it needs. Throws Error on bad options or an empty dataset.
  Loader(Dataset dataset, Preprocess preprocess, LoaderOptions options);
  ~Loader();  // stops and joins the workers, whatever they are at
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  std::int64_t samples() const;  // per epoch
  std::int64_t batches() const;  // per epoch
  const Dataset& dataset() const;

  // Begins epoch `epoch` (which keys order and augmentation); what is left of an earlier one is dropped.
  void start_epoch(std::uint32_t epoch);

  // Fills `batch` with the epoch's next batch; false at the end (and before the first start_epoch). The
  // memory of the batch passed in is taken back and reused for a later one: copy what must outlive the call.
  // An Error from a picture (naming the file) is thrown here, in its turn; the epoch is then over.
  bool next(Batch& batch);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The order of `count` samples in an epoch: Fisher-Yates over PhiloxStream(seed, Purpose::shuffle, epoch, 0).
std::vector<std::int64_t> shuffled_order(std::int64_t count, std::uint64_t seed, std::uint32_t epoch);

// As many samples as `labels` has, of every class that occurs the same number (or one less), shuffled: each class is dealt
// from its own shuffled samples, again and again where it has too few. Keyed as shuffled_order.
std::vector<std::int64_t> balanced_order(const std::vector<int>& labels, std::uint64_t seed,
                                         std::uint32_t epoch);

}  // namespace thaw
