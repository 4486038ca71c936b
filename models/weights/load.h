// Strict loading of a state dict into a network, with a report of what it did.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/network.h"

namespace thaw {

struct LoadOptions {
  bool replace_head =
      false;                // training: a head of another size is initialised anew instead of being an error
  std::uint64_t seed = 42;  // of the new head
  std::string source = {};  // file name for messages
  std::string remedy = {};  // of a file that does not fit; empty: a general one
};

struct LoadReport {
  std::size_t matched = 0;  // tensors copied
  std::size_t total = 0;    // tensors of the network, without num_batches_tracked that the file lacks
  std::vector<std::string> replaced;  // names of the head's tensors that were initialised anew
  std::int64_t classes_in_file = 0;   // of a replaced head, else 0
  std::int64_t classes = 0;           // of the network

  std::string text() const;  // "matched 120 of 122 tensors, replaced fc.weight, fc.bias (1000 -> 2)"
};

// `weights` under the names that the network has today (Network::current_name). Throws Error if a tensor is
// there under both its old and its new name; `source` names the file in it.
StateDict with_current_names(const Network& network, const StateDict& weights, const std::string& source);

// "ignored 12 tensors: a, b and 10 more"; long names are cut.
std::string some_names(const std::string& what, const std::vector<std::string>& names, std::size_t shown);

// Throws the Errors of load_weights, before anything is changed or takes memory: a network's weights take
// none until they are written.
void check_weights(Network& network, const StateDict& weights, const LoadOptions& options = {});

// Copies every tensor of `weights` to the network's parameter or buffer of that name, old names
// (with_current_names) included. Throws Error before anything is changed if nothing matches, or if tensors
// are missing, unexpected or misshapen: the message counts them and names the first ones and the remedy. A missing
// num_batches_tracked is no error. Works before and after the arenas are planned.
LoadReport load_weights(Network& network, const StateDict& weights, const LoadOptions& options = {});

}  // namespace thaw
