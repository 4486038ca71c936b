// What all results in a comparison's folder are of: the pictures and the weights, by content.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tools/program/output_directory.h"

namespace thaw {

struct CompareInputs {
  std::string data, weights;  // fingerprints of their contents; names of folders and weights play no part

  bool operator==(const CompareInputs&) const = default;
};

// As compare keeps them: {"data":...,"weights":...}. `inputs_of` throws nlohmann's exception on other JSON.
nlohmann::ordered_json as_json(const CompareInputs& inputs);
CompareInputs inputs_of(const nlohmann::ordered_json& json);

// Reads all pictures of `data` and the file `weights`. Throws Error as scanning and reading do.
CompareInputs compare_inputs(const std::string& data, const std::string& weights);

// Keeps the inputs in OUTPUT/inputs.json. Throws Error saying what differs where results of others are there,
// or of inputs that nobody noted.
void hold_inputs(const OutputDirectory& output, const CompareInputs& inputs, const std::string& data,
                 const std::string& weights);

}  // namespace thaw
