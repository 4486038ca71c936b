// Where in a PyTorch file the state dict is.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "io/pth/pickle_value.h"

namespace thaw {

struct PthTree {
  std::vector<std::pair<std::string, ValueId>> tensors;  // name, tensor call; in the file's order
  std::vector<std::string> notes;
};

// Opens wrapper dictionaries and lists the tensors of the state dict within. Entries beside the tensors that
// are no tensors are noted and left out. Throws Error, naming what was found and the way out, where there is
// no state dict.
PthTree find_state_dict(const Pickle& pickle, bool prefer_ema, const std::string& where);

}  // namespace thaw
