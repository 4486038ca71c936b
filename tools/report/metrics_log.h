// metrics.jsonl: one JSON object a line for every finished epoch. It is for people and their tools; a run's
// own memory of its epochs is the training state (train/state.h), and the file is written from that.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace thaw {

struct EpochMetrics {
  int epoch = 0;  // from 1
  double train_loss = 0, train_accuracy = 0;
  double val_loss = 0, val_accuracy = 0;  // NaN where there is no validation data: written as null
  double lr = 0;                          // of the epoch's last step
  double images_per_second = 0;           // of training
  double seconds = 0;                     // of training and validation together
  double data_wait_fraction = 0;
};

// {"epoch":1,"train_loss":0.61,"train_accuracy":0.71,"val_loss":0.52,"val_accuracy":0.78,"lr":0.001,
//  "images_per_second":412.0,"seconds":5.8,"data_wait_fraction":0.01}, without the line end.
std::string metrics_line(const EpochMetrics& metrics);
nlohmann::ordered_json metrics_json(const EpochMetrics& metrics);
// The other way round; null becomes NaN. Throws nlohmann::json::exception where a number is missing.
EpochMetrics metrics_of(const nlohmann::json& json);

// Replaces the file by a line for each epoch, crash-safe. Throws Error when it cannot be written.
void write_metrics(const std::string& path, const std::vector<EpochMetrics>& epochs);

// All lines of the log, in order. Throws Error when the file cannot be read, or naming the line that is no such object.
std::vector<EpochMetrics> read_metrics(const std::string& path);

}  // namespace thaw
