// predict: what a network says about pictures.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <iostream>
#include <optional>

#include "io/file/text.h"
#include "tools/evaluate/class_name_file.h"
#include "tools/evaluate/flips.h"
#include "tools/evaluate/imagenet_classes.h"
#include "tools/evaluate/picture_names.h"
#include "tools/evaluate/predict.h"
#include "tools/network/session.h"
#include "tools/predict/feature_file.h"
#include "tools/predict/printer.h"
#include "tools/program/frame.h"
#include "tools/program/messages.h"
#include "tools/program/values.h"

namespace {

using namespace thaw;

struct Options {
  ModelOptions model;
  PrintOptions print;
  std::vector<std::string> images, numbers;
  int batch_size = 32, workers = 2;
  std::string class_names, tta = "none",
                           output_features;  // files may be empty: the model's names; no features
};

// The names that the user gave, else the model's, else ImageNet's where they fit.
std::vector<std::string> names_for(Session& session, const std::string& file) {
  const ModelDescription& d = session.description;
  std::vector<std::string> names = class_names(d);
  if (!file.empty()) return read_class_names(file, names.size());
  if (!d.classes.empty() || names.size() != imagenet_classes().size()) return names;
  session.notes.push_back(
      "the file names no classes; its 1000 outputs are called as ImageNet's (torchvision's order); "
      "--class-names FILE gives others");
  return imagenet_classes();
}

using Names = std::vector<std::string>;

Names slice(const Names& all, std::size_t first, std::size_t count) {
  const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

// Takes the prediction of each case as it comes.
using Take = std::function<void(const Prediction&)>;

// Predicts a batch; if a picture of it cannot be read, each half by itself. Answers how many cases failed.
std::size_t predict_batch(Session& session, const Names& images, const Names& numbers,
                          const PredictOptions& options, const Take& take) {
  const auto views = static_cast<std::size_t>(session.network->views());
  const std::size_t cases = images.size() / views, half = cases / 2;
  try {
    for (const Prediction& p : predict(session, images, numbers, options)) take(p);
    std::fflush(stdout);
    return 0;
  } catch (const UsageError&) {
    throw;
  } catch (const OutOfMemory&) {
    throw;
  } catch (const Error& e) {
    if (cases == 1) {
      say("error: {}\n", e.what());
      return 1;
    }
  }
  const auto part = [&](std::size_t first, std::size_t count) {
    return predict_batch(session, slice(images, first * views, count * views),
                         numbers.empty() ? Names() : slice(numbers, first, count), options, take);
  };
  const std::size_t failed = part(0, half);
  return failed + part(half, cases - half);
}

std::size_t predict_all(Session& session, const Names& images, const Options& o, const Take& take) {
  const auto views = static_cast<std::size_t>(session.network->views());
  const std::size_t cases = images.size() / views, most = static_cast<std::size_t>(o.batch_size);
  const PredictOptions options{.flips = o.tta == "flips", .batch_size = o.batch_size, .workers = o.workers};
  std::size_t failed = 0;
  for (std::size_t first = 0; first < cases; first += most) {
    const std::size_t count = std::min(most, cases - first);
    failed += predict_batch(session, slice(images, first * views, count * views),
                            o.numbers.empty() ? Names() : slice(o.numbers, first, count), options, take);
  }
  return failed;
}

int run(const Options& o) {
  if (o.images.empty()) throw UsageError("at least one IMAGE is required; see --help");
  if (o.tta != "none" && (o.print.logits || !o.output_features.empty()))
    throw UsageError(fmt::format("--tta {}: means are taken of probabilities; leave it out to have {}", o.tta,
                                 o.print.logits ? "--logits" : "--output-features"));
  std::optional<FeatureFile> features;
  if (!o.output_features.empty()) features.emplace(o.output_features);
  const std::vector<std::string> images = picture_names(o.images, std::cin);
  if (images.empty()) throw UsageError("no pictures: standard input names none");
  say("{}", scale_warning(o.model));
  Session session = open_for_evaluation(o.model);
  check_cases(session.description, images.size(), o.numbers.size());
  std::vector<std::string> names = names_for(session, o.class_names);
  for (const std::string& note : session.notes) say("weights: {}\n", note);
  std::size_t width = 5;
  for (const std::string& image : images) width = std::max(width, printable(image).size());
  Printer printer(o.print, std::move(names), width);
  const std::size_t failed = predict_all(session, images, o, [&](const Prediction& p) {
    printer.print(p);
    if (features) features->add(p.image, p.features);
  });
  printer.finish();
  if (features && features->rows() > 0) features->write();
  if (failed == 0) return exit_done;
  say("{} of {} cases failed; the errors stand above\n", failed,
      images.size() / static_cast<std::size_t>(session.description.options.views));
  return exit_failed;
}

void add_options(CLI::App& app, Options& o) {
  add_model_options(app, o.model);
  app.add_option("-b,--batch-size", o.batch_size, "pictures in a batch")->check(between(1, 65536));
  app.add_option("-j,--workers", o.workers, "threads that read pictures")->check(between(0, 256));
  app.add_option("--topk", o.print.topk, "classes to name for each picture")->check(between(1, 100000));
  app.add_option("--format", o.print.format, "how to print")->check(one_of({"table", "csv", "json"}));
  app.add_option("--class-names", o.class_names,
                 "file of class names, one a line (default: the model's, or ImageNet's for 1000 classes "
                 "without names)")
      ->type_name("FILE")
      ->default_str("");
  app.add_flag("--logits", o.print.logits, "print the network's outputs too");
  add_tta_option(app, o.tta);
  app.add_option(
         "--output-features", o.output_features,
         "also write what the network makes of each picture before its head, [N,F] in the order of the "
         "predictions: .npy for NumPy, .csv, or .safetensors")
      ->type_name("FILE")
      ->default_str("");
  app.add_option("--features", o.numbers,
                 "x,y,...: a case's numbers, for a model that takes some; once for each case")
      ->type_name("X,...")
      ->default_str("")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option(
         "IMAGE", o.images,
         "pictures, folders of them, or patterns like 'pictures/*.jpg'; -: names from standard input, one a "
         "line; of a model with several views, all of a case in a row")
      ->default_str("");
}

}  // namespace

int main(int argc, char** argv) {
  const auto app = make_app("What a network says about pictures.", "predict",
                            "predict --weights run/best.safetensors --format csv pictures/");
  Options options;
  add_options(*app, options);
  return run_program(*app, argc, argv, [&] { return run(options); });
}
