#include "tools/network/model_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "kernels/error.h"
#include "models/registry.h"
#include "tools/program/frame.h"
#include "tools/program/values.h"

namespace thaw {

void add_model_options(CLI::App& app, ModelOptions& o) {
  const auto none = [](CLI::Option* option) { option->default_str(""); };
  begin_group(app, "Network");
  none(
      app.add_option("--weights", o.weights, "weights: .pth, .pt, .th or .safetensors, of PyTorch or of Thaw")
          ->type_name("FILE"));
  none(app.add_option("--model", o.model,
                      "network, e.g. resnet18, or a description, e.g. resnet:blocks=2-2-2-2,stem=cifar "
                      "(docs/weights.md); files that Thaw wrote know theirs")
           ->type_name("NAME"));
  add_ignore_option(app, o.ignore);
  none(app.add_option(
              "--in-chans", o.in_channels,
              "channels of the pictures: 3 or 1; train sums the first convolution of colour weights for 1 "
              "(default: the model's)")
           ->check(one_of({"1", "3"})));
  none(app.add_option("--mean", o.mean,
                      "mean per channel of values in [0, 1], e.g. .485,.456,.406 (default: the model's)")
           ->delimiter(',')
           ->allow_extra_args(false));
  none(app.add_option("--std", o.std, "standard deviation per channel (default: the model's)")
           ->delimiter(',')
           ->allow_extra_args(false));
  none(app.add_option("--input-size", o.input_size, "side of the input in pixels (default: the model's)")
           ->check(between(1, 4096)));
  none(app.add_option("--crop-pct", o.crop_pct,
                      "share of the resized picture that the centre crop keeps (default: the model's)")
           ->check(between(0.1, 1.0)));
  begin_group(app, "Device");
  app.add_option("--device", o.device, "where to compute")
      ->check(one_of({"auto", "cpu", "cuda", "reference"}));
  app.add_option("--precision", o.precision, "type of the activations")->check(one_of({"f32", "bf16"}));
  add_backend_options(app, o.backend);
  begin_group(app);
}

void add_ignore_option(CLI::App& app, std::vector<std::string>& globs) {
  app.add_option("--ignore", globs,
                 "tensors of the file of weights to leave out, e.g. 'ema.*'; many: with commas")
      ->type_name("GLOB")
      ->default_str("")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_backend_options(CLI::App& app, BackendOptions& o) {
  app.add_option("--threads", o.threads, "CPU: compute threads; 0: as many as the machine has")
      ->check(between(0, 1024));
  app.add_flag("--tf32", o.tf32,
               "GPU, f32: convolutions and matrix products may round their inputs to TF32, which is faster");
  app.add_flag("--cudnn-benchmark,!--no-cudnn-benchmark", o.cudnn_benchmark,
               "GPU: time cuDNN's engines where a convolution is new and keep the choice for later runs; "
               "--no-cudnn-benchmark takes cuDNN's first proposal (default: on)");
}

void check_backend_options(const BackendOptions& o, const std::string& device, const std::string& precision) {
  const bool automatic = device == "auto";
  std::string reason;
  const bool gpu = device == "cuda" || (automatic && cuda_available(&reason));
  const auto only_of_gpus = [&](const char* option) {
    return UsageError(std::string(option) + ": only a GPU has it, and --device " + device +
                      (automatic ? " finds none (" + reason + ")" : " is none") + "; leave it out");
  };
  if (o.tf32 && precision == "bf16")
    throw UsageError("--tf32: it speeds up f32, and --precision bf16 has no f32 products; leave one out");
  if (o.tf32 && !gpu) throw only_of_gpus("--tf32");
  if (!o.cudnn_benchmark && !gpu) throw only_of_gpus("--no-cudnn-benchmark");
}

void check_model_name(const std::string& name) {
  try {
    network_facts(name);
  } catch (const Error& e) {
    throw UsageError(std::string("--model: ") + e.what());
  }
}

std::string scale_warning(const ModelOptions& o) {
  const auto outside = [](float x) { return x < 0 || x > 1; };
  for (const auto& [name, values] : {std::pair("mean", &o.mean), std::pair("std", &o.std)})
    if (std::any_of(values->begin(), values->end(), outside)) {
      std::vector<float> divided;
      for (const float x : *values) divided.push_back(x / 255);
      return fmt::format(
          "warning: --{} {:g} is not of values in [0, 1]; if it is of pixels from 0 to 255, give --{} "
          "{:.3f}\n",
          name, fmt::join(*values, ","), name, fmt::join(divided, ","));
    }
  return "";
}

void override_preprocess(const ModelOptions& o, Preprocess& p) {
  const auto channels = static_cast<std::size_t>(p.channels);
  const auto fit = [&](const char* option, const std::vector<float>& given, std::vector<float>& to) {
    if (given.empty()) return;
    if (given.size() != channels)
      throw UsageError(std::string(option) + ": " + std::to_string(given.size()) + " values for " +
                       std::to_string(channels) + " channels");
    to = given;
  };
  fit("--mean", o.mean, p.mean);
  fit("--std", o.std, p.std);
  if (o.input_size > 0) p.input_size = o.input_size;
  if (o.crop_pct > 0) p.crop_pct = o.crop_pct;
  try {
    p.validate();
  } catch (const Error& e) {
    throw UsageError(e.what());
  }
}

void override_preprocess(const ModelOptions& o, const Network& network, Preprocess& p) {
  override_preprocess(o, p);
  if (network_facts(network.name()).one_size && p.input_size != network.input().size)
    throw UsageError("--input-size " + std::to_string(p.input_size) + ": these weights of " + network.name() +
                     " are for " + std::to_string(network.input().size));
}

}  // namespace thaw
