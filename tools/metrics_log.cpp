#include "tools/metrics_log.h"

#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "io/atomic_file.h"
#include "kernels/error.h"

namespace thaw {

std::string metrics_line(const EpochMetrics& m) {
  nlohmann::ordered_json line;  // dump() writes NaN as null
  line["epoch"] = m.epoch;
  line["train_loss"] = m.train_loss;
  line["train_accuracy"] = m.train_accuracy;
  line["val_loss"] = m.val_loss;
  line["val_accuracy"] = m.val_accuracy;
  line["lr"] = m.lr;
  line["images_per_second"] = std::round(m.images_per_second * 10) / 10;
  line["seconds"] = std::round(m.seconds * 1000) / 1000;
  line["data_wait_fraction"] = std::round(m.data_wait_fraction * 10000) / 10000;
  return line.dump();
}

void append_metrics(const std::string& path, const EpochMetrics& metrics) {
  std::ofstream file(path, std::ios::app | std::ios::binary);
  file << metrics_line(metrics) << '\n';
  file.flush();
  if (!file) throw Error(path + ": cannot be written; is the disk full or the folder read-only?");
}

std::vector<EpochMetrics> read_metrics(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<EpochMetrics> log;
  std::string line;
  while (std::getline(file, line)) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    const auto number = [&](const char* key) {
      const auto found = json.is_object() ? json.find(key) : json.end();
      if (!json.is_object() || found == json.end() || !(found->is_number() || found->is_null()))
        throw Error(path + ": line " + std::to_string(log.size() + 1) + " has no number \"" + key +
                    "\"; it is not a log of train's");
      return found->is_null() ? std::nan("") : found->get<double>();
    };
    EpochMetrics m;
    m.epoch = static_cast<int>(number("epoch"));
    m.train_loss = number("train_loss");
    m.train_accuracy = number("train_accuracy");
    m.val_loss = number("val_loss");
    m.val_accuracy = number("val_accuracy");
    m.lr = number("lr");
    m.images_per_second = number("images_per_second");
    m.seconds = number("seconds");
    m.data_wait_fraction = number("data_wait_fraction");
    log.push_back(m);
  }
  return log;
}

void trim_metrics(const std::string& path, int epochs) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return;
  std::string kept, line;
  while (std::getline(file, line)) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    const bool wanted = json.is_object() && json.contains("epoch") && json["epoch"].is_number_integer() &&
                        json["epoch"].get<int>() <= epochs;
    if (wanted) kept += line + '\n';
  }
  file.close();
  write_file_atomically(path, kept);
}

}  // namespace thaw
