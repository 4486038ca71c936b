// What a checkpoint of Thaw's says beside its tensors: all that prediction needs. Equal runs write equal
// text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/data/feature_scale.h"
#include "io/picture/transform.h"
#include "models/network.h"

namespace thaw {

struct ModelDescription {
  std::string model;  // the registry's name, or a description
  NetworkOptions options;
  std::vector<std::string> classes;  // empty: not known
  Preprocess preprocess;
  std::vector<FeatureScale> features;  // options.features of them: how a case's numbers become input
  // How the training pictures of a folder without train and val were split; 0: they were not.
  double val_split = 0;
  std::uint64_t split_seed = 0;
  std::string split_by{};  // ScanOptions::split_by of that split
  std::string
      split_of{};  // the fingerprint of the pictures that were split; empty: none were, or it is not known

  std::string run{};  // RunCard::json of the run that made the weights; empty: not known

  // {"thaw":1,"model":"resnet18","options":{"num_classes":2,"in_channels":3},"classes":["cat","dog"],
  //  "preprocess":{"input_size":224,"crop_pct":0.875,"channels":3,"mean":[...],"std":[...]},
  //  "val_split":0.2,"split_seed":42,"split_by":"...","split_of":"0123456789abcdef0123456789abcdef"}
  // With a run also "run":{...}; with views or features also "views":4,"features":[{"name":"age","mean":51.2,"std":9.7}].
  std::string json() const;
  // Throws Error naming `file` and the field that is missing or of the wrong kind.
  static ModelDescription parse(const std::string& text, const std::string& file);
};

// Preprocessing as the network's authors did it. Networks of one channel get the averages of the three.
Preprocess default_preprocess(const Network& network);

// "input: 3x224x224, crop 0.875, mean ..., std ...", for people.
std::string input_line(const Preprocess& preprocess);

// "num_classes" names; throws Error when there are others. Without any known names they are "0", "1", ...;
// one output stands for two classes.
std::vector<std::string> class_names(const ModelDescription& description);

}  // namespace thaw
