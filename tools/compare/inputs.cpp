#include "tools/compare/inputs.h"

#include <filesystem>
#include <span>

#include "io/file/atomic.h"
#include "io/file/bytes.h"
#include "io/file/read_options.h"
#include "io/file/sha256.h"
#include "io/file/text.h"
#include "tools/network/data_options.h"
#include "tools/program/bounded_json.h"

namespace thaw {

namespace {

// Groups decide the split. Empty where no case is in one.
std::string groups_of(const Dataset& dataset) {
  std::string all;
  bool any = false;
  for (const Sample& sample : dataset.samples) {
    all += std::to_string(sample.group.size()) + ":" + sample.group;
    any = any || !sample.group.empty();
  }
  if (!any) return "";
  Sha256 hash;
  hash.update(std::as_bytes(std::span(all)));
  return hash.hex();
}

}  // namespace

nlohmann::ordered_json as_json(const CompareInputs& inputs) {
  return {{"data", inputs.data}, {"weights", inputs.weights}};
}

CompareInputs inputs_of(const nlohmann::ordered_json& json) {
  return {json.at("data"), json.at("weights")};
}

CompareInputs compare_inputs(const std::string& data, const std::string& weights) {
  const DatasetSplits splits = scan_data(data, {});
  CompareInputs inputs;
  for (const Dataset* dataset : {&splits.train, &splits.val, &splits.test})
    inputs.data += fingerprint(*dataset) + groups_of(*dataset);
  const FileBytes file(weights, ReadLimits().file_bytes);
  Sha256 hash;
  hash.update(file.bytes());
  inputs.weights = hash.hex();
  return inputs;
}

void hold_inputs(const OutputDirectory& output, const CompareInputs& inputs, const std::string& data,
                 const std::string& weights) {
  const std::string file = output.file("inputs.json");
  const auto refuse = [&](const std::string& what) {
    throw Error(output.path() + ": holds results " + what + "; put those back, or choose another --output");
  };
  if (std::filesystem::exists(file)) {
    const FileBytes bytes(file, json_limit);
    CompareInputs before;
    try {
      before = inputs_of(parse_json<nlohmann::ordered_json>(std::string(as_text(bytes.bytes())), file));
    } catch (const nlohmann::json::exception& e) {
      refuse("of inputs that are not known (" + file + ": " + e.what() + ")");
    }
    if (before.data != inputs.data) refuse("of other pictures than those in " + data + " now");
    if (before.weights != inputs.weights) refuse("of other weights than those in " + weights + " now");
    return;
  }
  if (std::filesystem::exists(output.file("runs")))
    refuse("of inputs that are not known (" + file + " is not there)");
  write_file_atomically(file, as_json(inputs).dump());
}

}  // namespace thaw
