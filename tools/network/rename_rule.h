// Renaming of tensors: 'REGEX=>TEXT'.
#pragma once

#include <string>
#include <vector>

#include "tensor/state_dict.h"

namespace thaw {

// A rule replaces every match of REGEX (ECMAScript) in a name by TEXT, where $1 ... $9 stand for groups.
// Rules apply in the order given. Returns the same tensors under new names, in the old order. Throws Error on
// a rule without "=>" or with a bad REGEX, on one that matches no name, and where two tensors get one name or
// a name becomes empty.
StateDict rename_tensors(const StateDict& tensors, const std::vector<std::string>& rules);

}  // namespace thaw
