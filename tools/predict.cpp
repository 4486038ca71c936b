// predict: what a network says about pictures.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "tools/evaluate/predict.h"
#include "tools/network/session.h"
#include "tools/program/frame.h"

namespace {

using namespace thaw;

struct Output {
  int topk = 5;
  std::string format = "table";
  bool logits = false;
};

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
