#include "io/data/loader.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <numeric>
#include <shared_mutex>
#include <system_error>
#include <thread>

#include "kernels/error.h"

namespace thaw {

namespace {

constexpr std::int64_t big_picture = 16 << 20;  // pixels; only one picture of this size is decoded at a time
constexpr std::int64_t largest_chunk = 8;       // samples that a worker takes at once

// A batch being made. Its rows are filled by several workers.
struct Slot {
  Batch batch;
  std::int64_t missing = 0;  // rows not done
  std::int64_t failed_row = 0;
  std::exception_ptr error;  // of the first row that failed
};

}  // namespace

struct Loader::State {
  Dataset dataset;
  Preprocess preprocess;
  LoaderOptions options;
  std::vector<std::int64_t> starts;  // of the batches in `order`, and the end

  std::vector<std::int64_t> order;
  std::vector<std::int64_t> repeats;  // how often the sample stands in `order` before; empty: never
  std::uint32_t epoch = 0;
  std::vector<Image> cache;  // by sample and view; what is there stays
  std::shared_mutex cache_mutex;
  std::size_t cached_bytes = 0;
  std::mutex big;

  // Everything below is guarded by `mutex`.
  std::mutex mutex;
  std::condition_variable work;                   // rows may be taken
  std::condition_variable ready;                  // a batch is full, or a worker came to rest
  std::vector<Slot> slots;                        // batch b is in slot b % slots.size()
  std::vector<Tensor> spare;                      // image memory given back
  std::int64_t issued_batch = 0, issued_row = 0;  // the next row to hand out
  std::int64_t next_batch = 0;                    // the next one that next() returns
  std::int64_t end_batch = 0;                     // where this epoch stops handing out
  int busy = 0;
  bool stop = false;

  std::vector<std::thread> threads;

  std::int64_t batch_count() const { return static_cast<std::int64_t>(starts.size()) - 1; }
  std::int64_t rows_of(std::int64_t batch) const { return starts[batch + 1] - starts[batch]; }
  Slot& slot_of(std::int64_t batch) { return slots[static_cast<std::size_t>(batch) % slots.size()]; }

  bool can_take() const {
    return issued_batch < end_batch && issued_batch < next_batch + static_cast<std::int64_t>(slots.size());
  }
  void prepare(Slot& slot, std::int64_t batch);
  Image load(const std::string& path);
  const Image* cached(std::size_t picture);
  void fill_view(Batch& batch, std::int64_t row, std::int64_t index, std::int64_t view, std::int64_t repeat);
  void fill(Batch& batch, std::int64_t first, std::int64_t row);
  void run_worker();
  void stop_workers();
};

// Gives the slot memory for `batch`. Called with the mutex held.
void Loader::State::prepare(Slot& slot, std::int64_t batch) {
  const std::int64_t rows = rows_of(batch), size = preprocess.input_size;
  const Shape shape{rows * dataset.views, preprocess.channels, size, size};
  slot.batch = {};
  slot.batch.labels.resize(static_cast<std::size_t>(rows));
  slot.batch.indices.resize(static_cast<std::size_t>(rows));
  slot.batch.flips.assign(static_cast<std::size_t>(shape[0]), 0);
  const auto features = static_cast<std::int64_t>(dataset.features.size());
  if (features > 0) slot.batch.features = Tensor::empty_host({rows, features});
  slot.missing = rows;
  slot.error = nullptr;
  if (!options.pictures) return;
  const auto found =
      std::find_if(spare.begin(), spare.end(), [&](const Tensor& t) { return t.shape() == shape; });
  if (found != spare.end()) {
    slot.batch.images = std::move(*found);
    spare.erase(found);
  } else {
    slot.batch.images = Tensor::empty_host(shape, DType::u8);
  }
}

Image Loader::State::load(const std::string& path) {
  const std::vector<std::uint8_t> bytes = read_picture_file(path, options.limits.file_bytes);
  const ImageHeader header = image_header(bytes, path, options.limits);
  std::unique_lock<std::mutex> alone(big, std::defer_lock);
  if (std::int64_t{header.width} * header.height > big_picture) alone.lock();
  return decode_image(bytes, preprocess.channels, path, options.limits);
}

// Makes row `row` of the batch that starts at `first` in the order.
void Loader::State::fill(Batch& batch, std::int64_t first, std::int64_t row) {
  const std::int64_t index = order[static_cast<std::size_t>(first + row)];
  const Sample& sample = dataset.samples[static_cast<std::size_t>(index)];
  batch.indices[static_cast<std::size_t>(row)] = index;
  batch.labels[static_cast<std::size_t>(row)] = sample.label;
  const std::size_t features = dataset.features.size();
  for (std::size_t f = 0; f < features; ++f)
    batch.features.as<float>()[static_cast<std::size_t>(row) * features + f] =
        static_cast<float>(sample.features[f]);
  if (!options.pictures) return;
  const std::int64_t repeat = repeats.empty() ? 0 : repeats[static_cast<std::size_t>(first + row)];
  for (std::int64_t view = 0; view < dataset.views; ++view) fill_view(batch, row, index, view, repeat);
}

const Image* Loader::State::cached(std::size_t picture) {
  const std::shared_lock<std::shared_mutex> lock(cache_mutex);
  return cache[picture].pixels.empty() ? nullptr : &cache[picture];
}

void Loader::State::fill_view(Batch& batch, std::int64_t row, std::int64_t index, std::int64_t view,
                              std::int64_t repeat) {
  const auto at = static_cast<std::size_t>(row * dataset.views + view);
  const std::int64_t picture = index * dataset.views + view;
  const std::size_t bytes =
      static_cast<std::size_t>(preprocess.input_size) * preprocess.input_size * preprocess.channels;
  std::uint8_t* out = batch.images.as<std::uint8_t>() + at * bytes;

  const auto at_cache = static_cast<std::size_t>(picture);
  Image fresh;
  const Image* source = cached(at_cache);
  if (source == nullptr) {
    fresh = load(dataset.samples[static_cast<std::size_t>(index)].view(static_cast<std::size_t>(view)));
    source = &fresh;
    const std::unique_lock<std::shared_mutex> lock(cache_mutex);
    if (cache[at_cache].pixels.empty() && cached_bytes + fresh.pixels.size() <= options.cache_bytes) {
      cached_bytes += fresh.pixels.size();
      cache[at_cache] = std::move(fresh);
      source = &cache[at_cache];
    }
  }
  if (options.train) {
    const std::int64_t pictures = static_cast<std::int64_t>(cache.size());
    PhiloxStream random(options.seed, Purpose::augment, epoch,
                        static_cast<std::uint64_t>(picture + repeat * pictures));
    batch.flips[at] = transform_train(*source, preprocess, options.augment, random, out) ? 1 : 0;
  } else {
    transform_eval(*source, preprocess, out);
  }
}

void Loader::State::run_worker() {
  std::unique_lock<std::mutex> lock(mutex);
  for (;;) {
    work.wait(lock, [&] { return stop || can_take(); });
    if (stop) return;
    const std::int64_t number = issued_batch, rows = rows_of(number), row = issued_row;
    Slot& slot = slot_of(number);
    std::exception_ptr error;
    std::int64_t done = 0, chunk = 0;
    try {
      if (row == 0) prepare(slot, number);
    } catch (...) {  // no memory: the whole batch fails
      error = std::current_exception();
      slot.missing = rows;
      slot.error = nullptr;
      chunk = done = rows;
    }
    if (!error) {
      const std::int64_t share = rows / (2 * static_cast<std::int64_t>(threads.size()));
      chunk = std::min(rows - row, std::clamp<std::int64_t>(share, 1, largest_chunk));
    }
    issued_row += chunk;
    if (issued_row == rows) {
      ++issued_batch;
      issued_row = 0;
    }
    ++busy;
    if (!error) {
      lock.unlock();
      try {
        for (; done < chunk; ++done) fill(slot.batch, starts[number], row + done);
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
    }
    --busy;
    if (error && (!slot.error || row + done < slot.failed_row)) {
      slot.error = error;
      slot.failed_row = row + done;
    }
    slot.missing -= chunk;
    if (slot.missing == 0 || busy == 0) ready.notify_all();
  }
}

void Loader::State::stop_workers() {
  {
    const std::lock_guard<std::mutex> lock(mutex);
    stop = true;
  }
  work.notify_all();
  for (std::thread& thread : threads) {
    if (thread.joinable()) thread.join();
  }
}

Loader::Loader(Dataset dataset, Preprocess preprocess, LoaderOptions options)
    : state_(std::make_unique<State>()) {
  preprocess.validate();
  if (options.batch_size < 1) throw Error("loader: the batch size must be at least 1");
  if (options.workers < 0 || options.workers > 256) throw Error("loader: workers must be in 0..256");
  const auto count = static_cast<std::int64_t>(dataset.samples.size());
  if (count == 0) throw Error("loader: the dataset holds no pictures");
  State& s = *state_;
  s.dataset = std::move(dataset);
  s.preprocess = std::move(preprocess);
  s.options = options;
  s.cache.resize(static_cast<std::size_t>(count * s.dataset.views));

  const std::int64_t size = s.options.batch_size;
  for (std::int64_t at = 0; at < count; at += size) s.starts.push_back(at);
  s.starts.push_back(count);
  if (s.options.drop_last && count % size != 0) {
    if (count < size) {
      throw Error("loader: " + std::to_string(count) + " pictures don't fill one batch of " +
                  std::to_string(size) + "; lower --batch-size");
    }
    s.starts.pop_back();
  } else if (s.options.merge_last_single && s.batch_count() > 1 && s.rows_of(s.batch_count() - 1) == 1) {
    s.starts.erase(s.starts.end() - 2);
  }

  const int workers = s.options.workers;
  s.slots.resize(static_cast<std::size_t>(std::max(std::int64_t{3}, std::int64_t{2} * workers / size + 1)));
  for (int i = 0; i < workers; ++i)
    s.threads.emplace_back();  // their number is read by the first one already
  try {
    for (std::thread& thread : s.threads) thread = std::thread([&s] { s.run_worker(); });
  } catch (const std::system_error&) {
    s.stop_workers();
    throw Error("loader: cannot start " + std::to_string(workers) + " threads; lower --workers");
  }
}

Loader::~Loader() {
  state_->stop_workers();
}

std::int64_t Loader::samples() const {
  return state_->starts.back();
}
std::int64_t Loader::batches() const {
  return state_->batch_count();
}
const Dataset& Loader::dataset() const {
  return state_->dataset;
}

void Loader::start_epoch(std::uint32_t epoch) {
  State& s = *state_;
  std::unique_lock<std::mutex> lock(s.mutex);
  s.end_batch = 0;  // nothing more is handed out
  s.ready.wait(lock, [&] { return s.busy == 0; });
  const auto count = static_cast<std::int64_t>(s.dataset.samples.size());
  s.repeats.clear();
  if (s.options.shuffle && s.options.balanced) {
    std::vector<int> labels;
    for (const Sample& sample : s.dataset.samples) labels.push_back(sample.label);
    s.order = balanced_order(labels, s.options.seed, epoch);
    std::vector<std::int64_t> seen(labels.size());
    for (const std::int64_t index : s.order) s.repeats.push_back(seen[static_cast<std::size_t>(index)]++);
  } else if (s.options.shuffle) {
    s.order = shuffled_order(count, s.options.seed, epoch);
  } else {
    s.order.resize(static_cast<std::size_t>(count));
    std::iota(s.order.begin(), s.order.end(), std::int64_t{0});
  }
  s.epoch = epoch;
  s.issued_batch = s.issued_row = s.next_batch = 0;
  s.end_batch = s.batch_count();
  s.work.notify_all();
}

bool Loader::next(Batch& batch) {
  State& s = *state_;
  std::unique_lock<std::mutex> lock(s.mutex);
  if (batch.images.defined() && batch.images.dtype() == DType::u8 && batch.images.backend() == nullptr &&
      s.spare.size() < 2) {
    s.spare.push_back(std::move(batch.images));
  }
  batch = {};
  if (s.next_batch >= s.end_batch) return false;
  const std::int64_t number = s.next_batch;
  Slot& slot = s.slot_of(number);
  const auto begin = std::chrono::steady_clock::now();
  if (s.threads.empty()) {
    s.prepare(slot, number);
    try {
      for (std::int64_t row = 0; row < s.rows_of(number); ++row) s.fill(slot.batch, s.starts[number], row);
    } catch (...) {
      slot.error = std::current_exception();
    }
  } else {
    s.ready.wait(lock, [&] { return s.issued_batch > number && slot.missing == 0; });
  }
  slot.batch.waited = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (slot.error) {
    s.end_batch = 0;
    std::rethrow_exception(slot.error);
  }
  batch = std::move(slot.batch);
  ++s.next_batch;
  s.work.notify_all();
  return true;
}

namespace {

void shuffle(std::vector<std::int64_t>& values, PhiloxStream& random) {
  for (std::size_t i = values.size(); i > 1; --i)
    std::swap(values[i - 1], values[random.below(static_cast<std::uint32_t>(i))]);
}

}  // namespace

std::vector<std::int64_t> shuffled_order(std::int64_t count, std::uint64_t seed, std::uint32_t epoch) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  PhiloxStream random(seed, Purpose::shuffle, epoch, 0);
  shuffle(order, random);
  return order;
}

std::vector<std::int64_t> balanced_order(const std::vector<int>& labels, std::uint64_t seed,
                                         std::uint32_t epoch) {
  std::map<int, std::vector<std::int64_t>> classes;
  for (std::size_t i = 0; i < labels.size(); ++i) classes[labels[i]].push_back(static_cast<std::int64_t>(i));
  PhiloxStream random(seed, Purpose::shuffle, epoch, 0);
  std::vector<std::int64_t> order;
  std::size_t left = labels.size(), classes_left = classes.size();
  for (auto& [label, samples] : classes) {
    const std::size_t share = (left + classes_left - 1) / classes_left;
    left -= share;
    --classes_left;
    for (std::size_t i = 0; i < share; ++i) {
      if (i % samples.size() == 0) shuffle(samples, random);
      order.push_back(samples[i % samples.size()]);
    }
  }
  shuffle(order, random);
  return order;
}

}  // namespace thaw
