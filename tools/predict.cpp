// predict: what a network says about pictures.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "io/file/bytes.h"
#include "io/file/text.h"
#include "tools/evaluate/picture_names.h"
#include "tools/evaluate/predict.h"
#include "tools/network/session.h"
#include "tools/program/frame.h"
#include "tools/program/messages.h"
#include "tools/program/values.h"

namespace {

using namespace thaw;

struct Output {
  int topk = 5;
  std::string format = "table";
  bool logits = false;
  std::string class_names;  // a file; empty: the model's
};

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

// Prints predictions as they come.
class Printer {
 public:
  Printer(Output output, std::vector<std::string> names, std::size_t width)
      : output_(std::move(output)), names_(std::move(names)), width_(width) {
    topk_ = std::min(static_cast<std::size_t>(output_.topk), names_.size());
  }

  void print(const Prediction& p) {
    if (!printed_) print_header(p.logits.size());
    if (output_.format == "json")
      print_json(p);
    else if (output_.format == "csv")
      print_csv(p);
    else
      print_table(p);
    printed_ = true;
  }

  void finish() const {
    if (output_.format == "json") fmt::print("{}]\n", printed_ ? "" : "[");
  }

 private:
  void print_header(std::size_t logits) const {
    if (output_.format == "json") fmt::print("[");
    if (output_.format != "csv") return;
    fmt::print("image,label,index,probability");
    for (std::size_t k = 2; k <= topk_; ++k) fmt::print(",label_{},probability_{}", k, k);
    for (std::size_t k = 0; output_.logits && k < logits; ++k) fmt::print(",logit_{}", k);
    fmt::print("\n");
  }

  void print_json(const Prediction& p) const {
    nlohmann::ordered_json entry;
    const auto best = static_cast<std::size_t>(p.order.front());
    entry["image"] = p.image;
    if (p.views.size() > 1) entry["views"] = p.views;
    entry["label"] = names_[best];
    entry["index"] = best;
    entry["probability"] = p.probability[best];
    entry["topk"] = nlohmann::ordered_json::array();
    for (std::size_t k = 0; k < topk_; ++k) {
      const auto c = static_cast<std::size_t>(p.order[k]);
      entry["topk"].push_back(nlohmann::ordered_json::array({names_[c], p.probability[c]}));
    }
    if (output_.logits) entry["logits"] = p.logits;
    fmt::print("{}{}", printed_ ? ",\n" : "",
               entry.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  }

  void print_csv(const Prediction& p) const {
    const auto best = static_cast<std::size_t>(p.order.front());
    fmt::print("{},{},{},{:.6f}", csv_field(p.image), csv_field(names_[best]), best, p.probability[best]);
    for (std::size_t k = 1; k < topk_; ++k) {
      const auto c = static_cast<std::size_t>(p.order[k]);
      fmt::print(",{},{:.6f}", csv_field(names_[c]), p.probability[c]);
    }
    if (output_.logits)
      for (const float z : p.logits) fmt::print(",{}", z);
    fmt::print("\n");
  }

  void print_table(const Prediction& p) const {
    fmt::print("{:{}}", printable(p.image), width_);
    for (std::size_t k = 0; k < topk_; ++k) {
      const auto c = static_cast<std::size_t>(p.order[k]);
      fmt::print("  {} {:.4f}", printable(names_[c]), p.probability[c]);
    }
    if (output_.logits) fmt::print("  logits {}", fmt::join(p.logits, " "));
    fmt::print("\n");
  }

  Output output_;
  std::vector<std::string> names_;
  std::size_t width_, topk_ = 0;
  bool printed_ = false;
};

// One name a line, in the order of the outputs.
std::vector<std::string> read_names(const std::string& file, std::size_t classes) {
  constexpr std::uint64_t limit = std::uint64_t{4} << 20;
  const FileBytes bytes(file, limit);
  std::istringstream text{std::string(as_text(bytes.bytes()))};
  std::vector<std::string> names;
  for (std::string line; std::getline(text, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    names.push_back(line);
  }
  if (names.size() != classes)
    throw Error(fmt::format("{}: holds {} names, but the network has {} classes; give one a line",
                            printable(file), names.size(), classes));
  return names;
}

// Predicts in groups; where a group has a picture that cannot be read, each of its cases by itself. Answers how many cases
// failed.
std::size_t predict_all(Session& session, const std::vector<std::string>& images,
                        const std::vector<std::string>& numbers, Printer& printer) {
  constexpr std::size_t group = 32;
  const auto views = static_cast<std::size_t>(session.description.options.views);
  std::size_t failed = 0;
  const auto run = [&](std::size_t first, std::size_t count) {
    const auto from = images.begin() + static_cast<std::ptrdiff_t>(first * views);
    const std::vector<std::string> some(from, from + static_cast<std::ptrdiff_t>(count * views));
    std::vector<std::string> theirs;
    if (!numbers.empty()) {
      const auto begin = numbers.begin() + static_cast<std::ptrdiff_t>(first);
      theirs.assign(begin, begin + static_cast<std::ptrdiff_t>(count));
    }
    for (const Prediction& p : predict(session, some, theirs)) printer.print(p);
    std::fflush(stdout);
  };
  const std::size_t cases = images.size() / views;
  for (std::size_t first = 0; first < cases; first += group) {
    const std::size_t count = std::min(group, cases - first);
    try {
      run(first, count);
      continue;
    } catch (const UsageError&) {
      throw;
    } catch (const Error&) {  // said below, with the case that it is of
    }
    for (std::size_t i = first; i < first + count; ++i) try {
        run(i, 1);
      } catch (const Error& e) {
        say("error: {}\n", e.what());
        ++failed;
      }
  }
  return failed;
}

int run(const ModelOptions& model, const std::vector<std::string>& given,
        const std::vector<std::string>& numbers, const Output& output) {
  if (given.empty()) throw UsageError("at least one IMAGE is required; see --help");
  const std::vector<std::string> images = picture_names(given, std::cin);
  if (images.empty()) throw UsageError("no pictures: standard input names none");
  say("{}", scale_warning(model));
  Session session = open_for_evaluation(model);
  check_cases(session.description, images.size(), numbers.size());
  std::vector<std::string> names = class_names(session.description);
  if (!output.class_names.empty()) names = read_names(output.class_names, names.size());
  for (const std::string& note : session.notes) say("weights: {}\n", note);
  std::size_t width = 5;
  for (const std::string& image : images) width = std::max(width, printable(image).size());
  Printer printer(output, std::move(names), width);
  const std::size_t failed = predict_all(session, images, numbers, printer);
  printer.finish();
  if (failed == 0) return exit_done;
  say("{} of {} cases failed; the errors stand above\n", failed,
      images.size() / static_cast<std::size_t>(session.description.options.views));
  return exit_failed;
}

}  // namespace

int main(int argc, char** argv) {
  const auto app = make_app("What a network says about pictures.", "predict",
                            "predict --weights run/best.safetensors --format csv pictures/");
  ModelOptions model;
  Output output;
  std::vector<std::string> images, numbers;
  add_model_options(*app, model);
  app->add_option("--topk", output.topk, "classes to name for each picture")->check(between(1, 100000));
  app->add_option("--format", output.format, "how to print")->check(one_of({"table", "csv", "json"}));
  app->add_option("--class-names", output.class_names,
                  "file of class names, one a line (default: the model's)")
      ->type_name("FILE")
      ->default_str("");
  app->add_flag("--logits", output.logits, "print the network's outputs too");
  app->add_option("--features", numbers,
                  "x,y,...: a case's numbers, for a model that takes some; once for each case")
      ->default_str("")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app->add_option("IMAGE", images,
                  "pictures, or folders of them; -: names from standard input, one a line; of a model with "
                  "several views, "
                  "all of a case in a row")
      ->default_str("");
  return run_program(*app, argc, argv, [&] { return run(model, images, numbers, output); });
}
