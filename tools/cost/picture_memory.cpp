#include "tools/cost/picture_memory.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/counting_backend.h"
#include "models/registry.h"

namespace thaw {
namespace {

// The same network, frozen in the same places, on a backend that only counts.
Session twin(const Session& session) {
  Session copy;
  copy.backend = std::make_unique<CountingBackend>();
  copy.activations = session.activations;
  copy.description = session.description;
  copy.network = make_network(session.description.model, session.description.options);
  std::vector<Module*> modules;
  session.network->visit([&](Module& m) { modules.push_back(&m); });
  auto original = modules.begin();
  copy.network->visit([&](Module& m) {
    m.freeze((*original)->frozen());
    m.set_batch_norm_policy((*original)->batch_norm_policy());
    ++original;
  });
  copy.plan();
  return copy;
}

Batch blank_batch(const Session& session, std::int64_t cases) {
  const Preprocess& p = session.description.preprocess;
  Batch batch;
  batch.images = Tensor::empty_host(
      {cases * session.network->views(), p.channels, p.input_size, p.input_size}, DType::u8);
  batch.labels.resize(static_cast<std::size_t>(cases));
  batch.flips.resize(static_cast<std::size_t>(cases * session.network->views()));
  const std::int64_t numbers = session.network->features();
  if (numbers > 0) batch.features = Tensor::empty_host({cases, numbers}, DType::f32);
  return batch;
}

std::size_t peak_of(Session& session, const std::function<BatchPass(Session&)>& prepare, std::int64_t cases) {
  Backend& backend = *session.backend;
  const Batch batch = blank_batch(session, cases);
  const BatchPass pass = prepare(session);
  const std::size_t before = backend.bytes_in_use();
  backend.reset_peak();
  pass(batch);
  return backend.peak_bytes() - before;
}

double mebibytes(std::size_t bytes) {
  return static_cast<double>(bytes) / (1 << 20);
}

}  // namespace

PictureMemory picture_memory(const Session& session, const std::function<BatchPass(Session&)>& prepare,
                             std::int64_t smallest) {
  Session counted = twin(session);
  // What is kept from the first pass on (folded weights) is no part of a batch. BatchNorm needs two cases.
  peak_of(counted, prepare, 2);
  const std::size_t small = peak_of(counted, prepare, 4), large = peak_of(counted, prepare, 8);
  const std::size_t each = (large - small) / 4;
  return {small - std::min(small, 4 * each), each, smallest};
}

Error too_large_batch(const OutOfMemory& error, const PictureMemory& counted, std::size_t before,
                      std::int64_t cases) {
  const std::size_t needed = error.in_use + error.asked, all = error.in_use + error.available;
  const std::size_t taken = needed - std::min(before, needed), room = all - std::min(before, all);
  const std::size_t each = std::max({counted.each, taken / static_cast<std::size_t>(cases), std::size_t{1}});
  // An eighth for what is not counted: workspaces, and kept blocks that fit no later request.
  const std::size_t usable = room - room / 8, fixed = std::min(counted.fixed, usable);
  const auto fit = std::min(static_cast<std::int64_t>((usable - fixed) / each), cases - 1);
  std::string text = fmt::format("{}, in a batch of {}; each case takes about {:.3g} MiB", error.said, cases,
                                 mebibytes(each));
  if (fit >= counted.smallest)
    text += fmt::format(", so --batch-size {} would fit", fit);
  else
    text += ", and not even the smallest batch fits: use a smaller --input-size, or freeze more to train";
  return Error(text);
}

}  // namespace thaw
