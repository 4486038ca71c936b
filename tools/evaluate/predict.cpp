#include "tools/evaluate/predict.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <span>

#include "tools/evaluate/evaluate_model.h"
#include "tools/evaluate/read_pictures.h"
#include "tools/program/frame.h"

namespace thaw {
namespace {

// One case's numbers "x,y,...", standardised. Throws UsageError where they are not what the model takes.
std::vector<float> numbers_of(const std::string& text, const ModelDescription& description) {
  std::vector<float> numbers;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    double value = 0;
    const auto [stop, error] = std::from_chars(text.data() + begin, text.data() + end, value);
    if (error != std::errc() || stop != text.data() + end || !std::isfinite(value))
      throw UsageError("--features '" + text + "': numbers with commas between, as in --features 61,0.5");
    if (numbers.size() < description.features.size()) {
      const FeatureScale& scale = description.features[numbers.size()];
      value = (value - scale.mean) / scale.std;
    }
    numbers.push_back(static_cast<float>(value));
    begin = end + 1;
  }
  if (numbers.size() != description.features.size())
    throw UsageError(fmt::format("--features '{}': {} numbers, but the model takes {}", text, numbers.size(),
                                 description.features.size()));
  return numbers;
}

// Cases on their way through the network, all of them together.
struct Pass {
  std::size_t first = 0, cases = 0;
  Variable features, output;  // of the pictures as they are
  Variable mirrored;          // output of their mirror images; undefined: not wanted
};

// The host's copy of a pass's output, cut into one row for each case; empty rows of what is undefined.
class Rows {
 public:
  Rows(const Variable& output, std::size_t cases)
      : values_(output.defined() ? host_rows(output) : std::vector<float>()),
        width_(values_.size() / cases) {}
  std::vector<float> operator[](std::size_t c) const {
    const auto begin = values_.begin() + static_cast<std::ptrdiff_t>(c * width_);
    return {begin, begin + static_cast<std::ptrdiff_t>(width_)};
  }

 private:
  std::vector<float> values_;
  std::size_t width_;
};

void check_finite(const std::vector<float>& logits, const std::string& image) {
  for (const float z : logits)
    if (!std::isfinite(z))
      throw Error(image + ": the network's output is not finite; are the weights broken?");
}

// Fills in what follows from the logits; those of the mirror image are empty where they are not wanted.
void complete(Prediction& p, const std::vector<float>& mirrored) {
  check_finite(p.logits, p.image);
  check_finite(mirrored, p.image);
  const auto count = static_cast<std::int64_t>(p.logits.size());
  p.probability = probabilities(p.logits.data(), count);
  if (!mirrored.empty()) {
    const std::vector<double> other = probabilities(mirrored.data(), count);
    for (std::size_t c = 0; c < other.size(); ++c) p.probability[c] = (p.probability[c] + other[c]) / 2;
  }
  p.order.resize(p.probability.size());
  std::iota(p.order.begin(), p.order.end(), 0);
  // By logit where there is one per class: probabilities can tie where logits do not.
  const bool by_logit = count > 1 && mirrored.empty();
  std::stable_sort(p.order.begin(), p.order.end(), [&](int a, int b) {
    const auto x = static_cast<std::size_t>(a), y = static_cast<std::size_t>(b);
    return by_logit ? p.logits[x] > p.logits[y] : p.probability[x] > p.probability[y];
  });
}

// Waits for the pass and adds its predictions.
void finish(const Pass& pass, std::span<const std::string> images, std::vector<Prediction>& all) {
  if (pass.cases == 0) return;
  const Rows features(pass.features, pass.cases), logits(pass.output, pass.cases),
      mirrored(pass.mirrored, pass.cases);
  const std::size_t views = images.size() / pass.cases;
  for (std::size_t c = 0; c < pass.cases; ++c) {
    Prediction p;
    const auto own = images.subspan(c * views, views);
    p.views.assign(own.begin(), own.end());
    p.image = own.front();
    p.features = features[c];
    p.logits = logits[c];
    complete(p, mirrored[c]);
    all.push_back(std::move(p));
  }
}

// f32 [N,F] on the device; undefined without numbers.
Tensor numbers_on_device(std::span<const std::string> numbers, const Session& session) {
  if (numbers.empty()) return {};
  std::vector<float> rows;
  for (const std::string& text : numbers) {
    const std::vector<float> row = numbers_of(text, session.description);
    rows.insert(rows.end(), row.begin(), row.end());
  }
  const auto cases = static_cast<std::int64_t>(numbers.size()), all = static_cast<std::int64_t>(rows.size());
  return from_contiguous(rows, {cases, all / cases}).to(*session.backend);
}

}  // namespace

void check_cases(const ModelDescription& d, std::size_t images, std::size_t numbers) {
  const auto views = static_cast<std::size_t>(d.options.views);
  if (images % views != 0)
    throw UsageError(
        fmt::format("{} pictures, but a case of this model has {}: give the pictures of each case in a row",
                    images, views));
  const std::size_t cases = images / views;
  if (d.features.empty() && numbers > 0) throw UsageError("--features: the model takes none");
  if (d.features.empty() || numbers == cases) return;
  std::string names;
  for (const FeatureScale& f : d.features) names += (names.empty() ? "" : ",") + f.name;
  throw UsageError(fmt::format("the model takes --features {} once for each case: {} given for {} cases",
                               names, numbers, cases));
}

std::vector<Prediction> predict(Session& session, const std::vector<std::string>& images,
                                const std::vector<std::string>& numbers, const PredictOptions& options) {
  check_cases(session.description, images.size(), numbers.size());
  const Preprocess& preprocess = session.description.preprocess;
  const ImageInput input(*session.backend, preprocess, session.activations);
  Network& network = *session.network;
  const std::size_t head = network.stages().size() - 1, views = static_cast<std::size_t>(network.views()),
                    cases = images.size() / views, most = static_cast<std::size_t>(options.batch_size);
  const auto pictures = [&](std::size_t first, std::size_t count) {
    return std::span(images).subspan(first * views, count * views);
  };
  std::vector<Prediction> all;
  Pass pass;
  for (std::size_t first = 0; first < cases; first += most) {
    Pass next;
    next.first = first;
    next.cases = std::min(most, cases - first);
    const Tensor pixels = read_pictures(pictures(first, next.cases), preprocess, options.workers);
    const Tensor row = numbers_on_device(
        numbers.empty() ? std::span<const std::string>() : std::span(numbers).subspan(first, next.cases),
        session);
    const Variable x = input(pixels, {});
    // The cases before these were on the device while these were read and uploaded.
    finish(pass, pictures(pass.first, pass.cases), all);
    next.features = network.run(x, 0, head, Mode::eval(), row);
    next.output = network.run(next.features, head, head + 1, Mode::eval(), row);
    if (options.flips) {
      const std::vector<std::uint8_t> flips(next.cases * views, 1);
      next.mirrored = network.forward(input(pixels, flips), row, Mode::eval());
    }
    pass = std::move(next);
  }
  finish(pass, pictures(pass.first, pass.cases), all);
  return all;
}

}  // namespace thaw
