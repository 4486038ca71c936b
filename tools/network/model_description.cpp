#include "tools/network/model_description.h"

#include <fmt/format.h>

#include <numeric>

#include "models/description.h"
#include "tools/program/bounded_json.h"

namespace thaw {
namespace {

constexpr int format_version = 1;

float mean_of(const std::vector<float>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0f) / static_cast<float>(values.size());
}

}  // namespace

std::string ModelDescription::json() const {
  nlohmann::ordered_json out;
  out["thaw"] = format_version;
  out["model"] = model;
  out["options"] = {{"num_classes", options.num_classes}, {"in_channels", options.in_channels}};
  out["classes"] = classes;
  nlohmann::ordered_json input;
  input["input_size"] = preprocess.input_size;
  input["crop_pct"] = preprocess.crop_pct;
  input["channels"] = preprocess.channels;
  input["mean"] = preprocess.mean;
  input["std"] = preprocess.std;
  out["preprocess"] = std::move(input);
  if (options.views != 1 || !features.empty()) {
    out["views"] = options.views;
    out["features"] = nlohmann::ordered_json::array();
    for (const FeatureScale& f : features)
      out["features"].push_back({{"name", f.name}, {"mean", f.mean}, {"std", f.std}});
  }
  out["val_split"] = val_split;
  out["split_seed"] = split_seed;
  if (!split_by.empty()) out["split_by"] = split_by;
  if (!split_of.empty()) out["split_of"] = split_of;
  if (!run.empty()) out["run"] = nlohmann::ordered_json::parse(run);
  return out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

ModelDescription ModelDescription::parse(const std::string& text, const std::string& file) {
  ModelDescription d;
  try {
    const auto in = parse_json(text, file);
    if (!in.contains("thaw") && in.contains("position"))
      throw Error(file +
                  ": is the state of a training run, not weights; give best.safetensors or last.safetensors "
                  "beside it, or continue the run with train --resume");
    const int version = in.at("thaw").get<int>();
    if (version != format_version)
      throw Error(fmt::format("{}: its description has version {}, this program reads {}; use a newer Thaw",
                              file, version, format_version));
    in.at("model").get_to(d.model);
    if (d.model.size() > Description::longest)
      throw Error(file + ": its description's model has a name of " + std::to_string(d.model.size()) +
                  " bytes");
    in.at("options").at("num_classes").get_to(d.options.num_classes);
    in.at("options").at("in_channels").get_to(d.options.in_channels);
    in.at("classes").get_to(d.classes);
    const auto& input = in.at("preprocess");
    input.at("input_size").get_to(d.preprocess.input_size);
    input.at("crop_pct").get_to(d.preprocess.crop_pct);
    input.at("channels").get_to(d.preprocess.channels);
    input.at("mean").get_to(d.preprocess.mean);
    input.at("std").get_to(d.preprocess.std);
    if (in.contains("views")) {
      in.at("views").get_to(d.options.views);
      for (const auto& f : in.at("features"))
        d.features.push_back({f.at("name"), f.at("mean").get<double>(), f.at("std").get<double>()});
      d.options.features = static_cast<std::int64_t>(d.features.size());
    }
    d.options.input_size = d.preprocess.input_size;
    in.at("val_split").get_to(d.val_split);
    in.at("split_seed").get_to(d.split_seed);
    if (in.contains("run")) d.run = in.at("run").dump();
    if (in.contains("split_by")) in.at("split_by").get_to(d.split_by);
    if (in.contains("split_of")) in.at("split_of").get_to(d.split_of);
  } catch (const nlohmann::json::exception& e) {
    throw Error(file + ": its description of the model is not what Thaw writes: " + e.what());
  }
  d.preprocess.validate();
  return d;
}

Preprocess default_preprocess(const Network& network) {
  const InputDefaults& input = network.input();
  Preprocess p;
  p.input_size = static_cast<int>(input.size);
  p.crop_pct = input.crop_pct;
  p.channels = static_cast<int>(network.in_channels());
  p.mean = input.mean;
  p.std = input.std;
  if (p.channels == 1 && p.mean.size() > 1) {
    p.mean = {mean_of(p.mean)};
    p.std = {mean_of(p.std)};
  }
  return p;
}

std::string input_line(const Preprocess& p) {
  return fmt::format("input: {}x{}x{}, crop {:g}, mean {:g}, std {:g}", p.channels, p.input_size,
                     p.input_size, p.crop_pct, fmt::join(p.mean, ","), fmt::join(p.std, ","));
}

std::vector<std::string> class_names(const ModelDescription& d) {
  const auto count = static_cast<std::size_t>(d.options.num_classes == 1 ? 2 : d.options.num_classes);
  if (!d.classes.empty()) {
    if (d.classes.size() != count)
      throw Error(fmt::format("model {} has {} outputs, but {} class names", d.model, d.options.num_classes,
                              d.classes.size()));
    return d.classes;
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(std::to_string(i));
  return names;
}

}  // namespace thaw
