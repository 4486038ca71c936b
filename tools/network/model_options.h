// The options that say which network runs where and how pictures become its input; shared by all programs.
#pragma once

#include <string>
#include <vector>

#include "kernels/backend.h"
#include "tools/network/model_description.h"
#include "tools/program/usage_error.h"

namespace CLI {
class App;  // of CLI11, which those who only fill the struct need not have
}

namespace thaw {

struct ModelOptions {
  std::string weights;              // a file
  std::string model;                // a registry name or a description
  std::vector<std::string> ignore;  // globs of tensors of `weights` that are left out
  int in_channels = 0;              // 0: the model's, or what the checkpoint says
  std::vector<float> mean, std;
  int input_size = 0;   // 0: the model's
  double crop_pct = 0;  // 0: the model's
  std::string device = "auto", precision = "f32";
  BackendOptions backend;
};

// Adds --ignore.
void add_ignore_option(CLI::App& app, std::vector<std::string>& globs);

// Adds --threads, --tf32 and --cudnn-benchmark.
void add_backend_options(CLI::App& app, BackendOptions& options);

// Throws UsageError where `device` or `precision` leave an option that was given without effect.
void check_backend_options(const BackendOptions& options, const std::string& device,
                           const std::string& precision);

// Adds --weights --model --ignore --in-chans --mean --std --input-size --crop-pct --device --precision and the above.
void add_model_options(CLI::App& app, ModelOptions& options);

// Throws UsageError with the nearest names or keys unless the registry has `name` or can read it as a description.
void check_model_name(const std::string& name);

// What to tell of a --mean or --std that seems to be of values from 0 to 255, a line; "": nothing.
std::string scale_warning(const ModelOptions& options);

// Overwrites what the user gave. Throws UsageError naming the option whose value does not fit.
void override_preprocess(const ModelOptions& options, Preprocess& preprocess);
// The same for the pictures of `network`; some networks' weights are for one size only.
void override_preprocess(const ModelOptions& options, const Network& network, Preprocess& preprocess);

}  // namespace thaw
