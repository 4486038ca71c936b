// --ignore: tensors of a file that are left out.
#pragma once

#include <string>
#include <vector>

#include "io/weights/weights.h"

namespace thaw {

// Takes those out of `file` whose names fit one of `globs` (* and ?, models/freeze/plan.h), and notes how many and the
// first ones. `source` names the file. Throws UsageError with the nearest names where a glob fits none.
void ignore_tensors(LoadedWeights& file, const std::vector<std::string>& globs, const std::string& source);

}  // namespace thaw
