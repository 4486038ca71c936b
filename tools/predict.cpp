// predict: what a network says about pictures.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>

#include "tools/evaluate/evaluate_model.h"
#include "tools/network/session.h"
#include "tools/program/frame.h"

namespace {

using namespace thaw;

struct Prediction {
  std::string image;                // the first one of a case
  std::vector<std::string> views;   // all of a case
  std::vector<double> probability;  // per class
  std::vector<int> order;           // class indices, most probable first
  std::vector<float> logits;        // as the network gave them
};

struct Output {
  int topk = 5;
  std::string format = "table";
  bool logits = false;
};

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

// Throws UsageError unless pictures and numbers make whole cases.
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

// Fills in what the network's output says.
void complete(Prediction& p, const Variable& output) {
  p.logits = host_rows(output);
  const auto count = static_cast<std::int64_t>(p.logits.size());
  for (const float z : p.logits)
    if (!std::isfinite(z))
      throw Error(p.image + ": the network's output is not finite; are the weights broken?");
  p.probability = probabilities(p.logits.data(), count);
  p.order.resize(p.probability.size());
  std::iota(p.order.begin(), p.order.end(), 0);
  // By logit where there is one per class: probabilities can tie where logits do not.
  std::stable_sort(p.order.begin(), p.order.end(), [&](int a, int b) {
    const auto x = static_cast<std::size_t>(a), y = static_cast<std::size_t>(b);
    return count == 1 ? p.probability[x] > p.probability[y] : p.logits[x] > p.logits[y];
  });
}

std::vector<Prediction> predict(Session& session, const std::vector<std::string>& images,
                                const std::vector<std::string>& numbers) {
  check_cases(session.description, images.size(), numbers.size());
  const Preprocess& preprocess = session.description.preprocess;
  const ImageInput input(*session.backend, preprocess, session.activations);
  std::vector<Prediction> all;
  Variable output;  // of the last case
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
    if (!all.empty()) complete(all.back(), output);
    output = session.network->forward(x, row, Mode::eval());
    all.push_back(std::move(p));
  }
  if (!all.empty()) complete(all.back(), output);
  return all;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

void print_json(const std::vector<Prediction>& all, const std::vector<std::string>& names,
                const Output& output) {
  auto out = nlohmann::ordered_json::array();
  for (const Prediction& p : all) {
    nlohmann::ordered_json entry;
    const auto best = static_cast<std::size_t>(p.order.front());
    entry["image"] = p.image;
    if (p.views.size() > 1) entry["views"] = p.views;
    entry["label"] = names[best];
    entry["index"] = best;
    entry["probability"] = p.probability[best];
    entry["topk"] = nlohmann::ordered_json::array();
    for (std::size_t k = 0; k < p.order.size() && k < static_cast<std::size_t>(output.topk); ++k) {
      const auto c = static_cast<std::size_t>(p.order[k]);
      entry["topk"].push_back(nlohmann::ordered_json::array({names[c], p.probability[c]}));
    }
    if (output.logits) entry["logits"] = p.logits;
    out.push_back(std::move(entry));
  }
  fmt::print("{}\n", out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

void print_csv(const std::vector<Prediction>& all, const std::vector<std::string>& names,
               const Output& output) {
  fmt::print("image,label,index,probability");
  if (output.logits)
    for (std::size_t k = 0; k < all.front().logits.size(); ++k) fmt::print(",logit_{}", k);
  fmt::print("\n");
  for (const Prediction& p : all) {
    const auto best = static_cast<std::size_t>(p.order.front());
    fmt::print("{},{},{},{:.6f}", csv_field(p.image), csv_field(names[best]), best, p.probability[best]);
    if (output.logits)
      for (const float z : p.logits) fmt::print(",{}", z);
    fmt::print("\n");
  }
}

void print_table(const std::vector<Prediction>& all, const std::vector<std::string>& names,
                 const Output& output) {
  std::size_t width = 5;
  for (const Prediction& p : all) width = std::max(width, p.image.size());
  for (const Prediction& p : all) {
    fmt::print("{:{}}", p.image, width);
    for (std::size_t k = 0; k < p.order.size() && k < static_cast<std::size_t>(output.topk); ++k) {
      const auto c = static_cast<std::size_t>(p.order[k]);
      fmt::print("  {} {:.4f}", names[c], p.probability[c]);
    }
    if (output.logits) fmt::print("  logits {}", fmt::join(p.logits, " "));
    fmt::print("\n");
  }
}

int run(const ModelOptions& model, const std::vector<std::string>& images,
        const std::vector<std::string>& numbers, const Output& output) {
  if (images.empty()) throw UsageError("at least one IMAGE is required; see --help");
  Session session = open_for_evaluation(model);
  const std::vector<std::string> names = class_names(session.description);
  for (const std::string& note : session.notes) fmt::print(stderr, "weights: {}\n", note);
  const std::vector<Prediction> all = predict(session, images, numbers);
  if (output.format == "json")
    print_json(all, names, output);
  else if (output.format == "csv")
    print_csv(all, names, output);
  else
    print_table(all, names, output);
  return exit_done;
}

}  // namespace

int main(int argc, char** argv) {
  const auto app = make_app("What a network says about pictures.", "predict");
  ModelOptions model;
  Output output;
  std::vector<std::string> images, numbers;
  add_model_options(*app, model);
  app->add_option("--topk", output.topk, "classes to name for each picture")->check(CLI::Range(1, 100000));
  app->add_option("--format", output.format, "how to print")->check(CLI::IsMember({"table", "csv", "json"}));
  app->add_flag("--logits", output.logits, "print the network's outputs too");
  app->add_option("--features", numbers,
                  "x,y,...: a case's numbers, for a model that takes some; once for each case")
      ->default_str("")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app->add_option("IMAGE", images, "pictures; of a model with several views, all of a case in a row")
      ->default_str("");
  return run_program(*app, argc, argv, [&] { return run(model, images, numbers, output); });
}
