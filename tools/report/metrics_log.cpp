#include "tools/report/metrics_log.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

#include "io/file/atomic.h"
#include "io/file/bytes.h"
#include "io/file/text.h"
#include "kernels/error.h"
#include "tools/program/bounded_json.h"

namespace thaw {

nlohmann::ordered_json metrics_json(const EpochMetrics& m) {
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
  return line;
}

std::string metrics_line(const EpochMetrics& metrics) {
  return metrics_json(metrics).dump();
}

EpochMetrics metrics_of(const nlohmann::json& json) {
  const auto number = [&](const char* key) {
    const auto& value = json.at(key);
    return value.is_null() ? std::nan("") : value.get<double>();
  };
  EpochMetrics m;
  m.epoch = json.at("epoch").get<int>();
  m.train_loss = number("train_loss");
  m.train_accuracy = number("train_accuracy");
  m.val_loss = number("val_loss");
  m.val_accuracy = number("val_accuracy");
  m.lr = number("lr");
  m.images_per_second = number("images_per_second");
  m.seconds = number("seconds");
  m.data_wait_fraction = number("data_wait_fraction");
  return m;
}

void write_metrics(const std::string& path, const std::vector<EpochMetrics>& epochs) {
  std::string text;
  for (const EpochMetrics& m : epochs) text += metrics_line(m) + '\n';
  write_file_atomically(path, text);
}

std::vector<EpochMetrics> read_metrics(const std::string& path) {
  constexpr std::uint64_t most = std::uint64_t{256} << 20;  // a million epochs
  const FileBytes file(path, most);
  std::vector<EpochMetrics> log;
  std::string_view rest(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    try {
      log.push_back(metrics_of(parse_json(std::string(line), path)));
    } catch (const nlohmann::json::exception& e) {
      throw Error(printable(path) + ": line " + std::to_string(log.size() + 1) +
                  " is not a line of train's log: " + e.what());
    }
  }
  return log;
}

}  // namespace thaw
