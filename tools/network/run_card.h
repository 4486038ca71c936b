// What a checkpoint tells of the run that it comes from.
#pragma once

#include <string>

namespace thaw {

struct RunCard {
  std::string version, date;  // of Thaw; of the writing, "2026-11-28", UTC
  std::string command;        // without what does not change the result: --output, --workers, ...
  std::string data;           // "2400 training and 600 validation pictures of 5 classes"
  std::string plan;           // what was frozen, for people
  std::string freeze, bn;     // --freeze and --bn
  int epoch = 0, epochs = 0;  // of the weights; planned
  double train_loss = 0, train_accuracy = 0;
  double val_loss = 0, val_accuracy = 0;  // NaN: not validated

  std::string json() const;
  std::string text() const;  // for people, a line each
  // Throws Error naming `file` where `json` is no such card.
  static RunCard parse(const std::string& json, const std::string& file);
};

// Today, or the day of the environment variable SOURCE_DATE_EPOCH (seconds since 1970): with it, equal runs on different
// days write equal files (reproducible-builds.org/specs/source-date-epoch).
std::string today();

}  // namespace thaw
