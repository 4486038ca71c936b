// convert: weights from one file format to the other, with other names where wanted.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "io/file/text.h"
#include "io/pth/pth.h"
#include "io/weights/checkpoint.h"
#include "io/weights/safetensors.h"
#include "io/weights/weights.h"
#include "models/weights/load.h"
#include "tools/network/ignore_tensors.h"
#include "tools/network/open_network.h"
#include "tools/network/rename_rule.h"
#include "tools/program/frame.h"
#include "tools/program/messages.h"

namespace {

using namespace thaw;

struct Options {
  std::string in, out, model;
  std::vector<std::string> rename, ignore;
  bool force = false;
};

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// Gives `file.tensors` the names that the network has today. Throws unless they are its weights; returns the
// loading verdict.
std::string fit(LoadedWeights& file, const std::string& source, const std::string& model,
                ModelDescription& description) {
  ModelOptions options;
  options.model = model;
  const NetworkFile opened = open_network(file, options, source);
  description = opened.description;
  if (!opened.described) description.preprocess = default_preprocess(*opened.network);
  file.tensors = with_current_names(*opened.network, opened.tensors, source);
  LoadOptions load;
  load.source = source;
  return load_weights(*opened.network, file.tensors, load).text();
}

int convert(const Options& o) {
  if (o.in.empty() || o.out.empty()) throw UsageError("IN and OUT are required; see --help");
  const bool pth = ends_with(o.out, ".pth") || ends_with(o.out, ".pt");
  if (!pth && !ends_with(o.out, ".safetensors"))
    throw UsageError(o.out +
                     ": the name must end in .safetensors, .pth or .pt, which says the format to write");
  if (!o.model.empty()) check_model_name(o.model);
  std::error_code error;
  if (std::filesystem::equivalent(o.in, o.out, error)) throw UsageError(o.out + ": IN and OUT are one file");
  if (!o.force && std::filesystem::exists(o.out, error))
    throw Error(printable(o.out, 200) + ": is there already; give another name, or --force to replace it");

  ReadOptions read;
  read.convert_floats = o.model.empty() ? false : true;
  LoadedWeights file = read_weights(o.in, read);
  ignore_tensors(file, o.ignore, o.in);
  LoadedWeights renamed = file;
  renamed.tensors = rename_tensors(file.tensors, o.rename);
  std::string description = o.rename.empty() ? file.metadata : "", verdict, left_out;
  if (!o.model.empty()) {
    ModelDescription made;
    verdict = fit(renamed, o.in, o.model, made);
    if (description.empty()) description = made.json();
  }
  if (!file.metadata.empty() && description.empty())
    left_out = "--model NAME checks the renamed tensors and keeps them";
  if (!file.metadata.empty() && pth)
    left_out = "a .pth file holds tensors alone, and predict then needs --model and --class-names";
  const StateDict& tensors = renamed.tensors;
  if (pth)
    write_pth(o.out, tensors);
  else if (!description.empty())
    write_checkpoint(o.out, tensors, description);
  else
    write_safetensors(o.out, tensors);

  auto from = file.tensors.begin();
  for (const auto& [name, tensor] : tensors) {
    const std::string& old = (from++)->first;
    fmt::print("{}{}  {} {}\n", old, old == name ? "" : " => " + name, dtype_name(tensor.dtype()),
               tensor.shape().text());
  }
  for (const std::string& note : file.notes) say("weights: {}\n", note);
  if (!left_out.empty())
    say("{}: without the network's name, its class names and how pictures are prepared: {}\n", o.out,
        left_out);
  if (!verdict.empty()) say("{}: {}\n", o.model, verdict);
  say("{} ({}) -> {}: {} tensors\n", o.in, file.format, o.out, tensors.size());
  return exit_done;
}

}  // namespace

int main(int argc, char** argv) {
  const auto app =
      make_app("Weights from PyTorch's or Thaw's files to .safetensors or .pth. Prints the map of names.",
               "convert", "convert resnet18.pth resnet18.safetensors --model resnet18");
  Options o;
  app->add_option("IN", o.in, "a .pth, .pt, .th or .safetensors file")->default_str("");
  app->add_option("OUT", o.out, "the file to write; its name ends in .safetensors, .pth or .pt")
      ->default_str("");
  app->add_option("--model", o.model,
                  "check that the tensors are this network's, give them its names where the file has older "
                  "ones, and say so in OUT")
      ->type_name("NAME")
      ->default_str("");
  app->add_option("--rename", o.rename, "'REGEX=>TEXT', may be given many times; applied in order")
      ->type_name("RULE")
      ->default_str("")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_ignore_option(*app, o.ignore);
  app->add_flag("--force", o.force, "replace OUT where it is there");
  return run_program(*app, argc, argv, [&] { return convert(o); });
}
