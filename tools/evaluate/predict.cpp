#include "tools/evaluate/predict.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "tools/evaluate/evaluate_model.h"
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

// One case on its way through the network.
struct Pass {
  Variable features, output;  // of the pictures as they are
  Variable mirrored;          // output of their mirror images; undefined: not wanted
};

std::vector<float> finite_row(const Variable& output, const std::string& image) {
  std::vector<float> row = host_rows(output);
  for (const float z : row)
    if (!std::isfinite(z))
      throw Error(image + ": the network's output is not finite; are the weights broken?");
  return row;
}

// Fills in what the network's output says.
void complete(Prediction& p, const Pass& pass) {
  p.features = host_rows(pass.features);
  p.logits = finite_row(pass.output, p.image);
  const auto count = static_cast<std::int64_t>(p.logits.size());
  p.probability = probabilities(p.logits.data(), count);
  if (pass.mirrored.defined()) {
    const std::vector<float> other = finite_row(pass.mirrored, p.image);
    const std::vector<double> mirrored = probabilities(other.data(), count);
    for (std::size_t c = 0; c < mirrored.size(); ++c) p.probability[c] = (p.probability[c] + mirrored[c]) / 2;
  }
  p.order.resize(p.probability.size());
  std::iota(p.order.begin(), p.order.end(), 0);
  // By logit where there is one per class: probabilities can tie where logits do not.
  const bool by_logit = count > 1 && !pass.mirrored.defined();
  std::stable_sort(p.order.begin(), p.order.end(), [&](int a, int b) {
    const auto x = static_cast<std::size_t>(a), y = static_cast<std::size_t>(b);
    return by_logit ? p.logits[x] > p.logits[y] : p.probability[x] > p.probability[y];
  });
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
  std::vector<Prediction> all;
  Network& network = *session.network;
  const std::size_t head = network.stages().size() - 1;
  const std::vector<std::uint8_t> flips(static_cast<std::size_t>(session.description.options.views), 1);
  Pass pass;  // of the last case
  const std::int64_t views = session.description.options.views, size = preprocess.input_size;
  for (auto at = images.begin(); at != images.end(); at += views) {
    Prediction p;
    p.views.assign(at, at + views);
    p.image = *at;
    const Tensor pixels = Tensor::empty_host({views, preprocess.channels, size, size}, DType::u8);
    for (std::int64_t v = 0; v < views; ++v)
      transform_eval(read_image(at[v], preprocess.channels), preprocess,
                     pixels.as<std::uint8_t>() + v * size * size * preprocess.channels);
    Tensor features;
    if (!numbers.empty()) {
      const std::vector<float> row = numbers_of(numbers[all.size()], session.description);
      features = from_contiguous(row, {1, static_cast<std::int64_t>(row.size())});
    }
    const Variable x = input(pixels, {});
    const Tensor row = features.defined() ? features.to(*session.backend) : Tensor();
    // The case before this one was on the device while this one was read and uploaded.
    if (!all.empty()) complete(all.back(), pass);
    pass.features = network.run(x, 0, head, Mode::eval(), row);
    pass.output = network.run(pass.features, head, head + 1, Mode::eval(), row);
    if (options.flips) pass.mirrored = network.forward(input(pixels, flips), row, Mode::eval());
    all.push_back(std::move(p));
  }
  if (!all.empty()) complete(all.back(), pass);
  return all;
}

}  // namespace thaw
