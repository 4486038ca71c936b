// The plans of the founding experiment: what is trained, from which weights, with which BatchNorm.
#pragma once

#include <string>
#include <vector>

#include "models/network.h"

namespace thaw {

struct ComparePlan {
  std::string key;  // for --plans, folders and JSON: "scratch_cnn", "scratch", "0", "1", ..., "all", "story"
  std::string title;  // for people: "2 blocks, from transition3 on"
  std::string model;  // the registry's name
  bool pretrained = false;
  std::string freeze;
  std::string bn = "auto";
};

// All plans for `network`, from the fewest trained to the most: the scratch CNN; the network from random
// weights; pretrained with 0 (the head alone), 1, 2, ... blocks thawed and with all; and the story's plan,
// which is `story` with --bn train. A block is a stage with a convolution and the BatchNorm stages after it.
// `story` empty: the founding story's plan for torchvision's DenseNets, else 2 blocks thawed.
std::vector<ComparePlan> compare_plans(const Network& network, const std::string& story);

// Those of `plans` that `keys` name, in the order of `plans`; no keys: all. Throws UsageError with the known
// keys.
std::vector<ComparePlan> chosen_plans(const std::vector<ComparePlan>& plans,
                                      const std::vector<std::string>& keys);

}  // namespace thaw
