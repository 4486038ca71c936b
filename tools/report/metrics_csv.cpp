#include "tools/report/metrics_csv.h"

#include <nlohmann/json.hpp>

namespace thaw {

std::string metrics_csv(const std::vector<EpochMetrics>& epochs) {
  std::string text;
  const nlohmann::ordered_json names = metrics_json(EpochMetrics{});
  for (const auto& [name, value] : names.items()) text += (text.empty() ? "" : ",") + name;
  text += '\n';
  for (const EpochMetrics& m : epochs) {
    std::string line;
    const nlohmann::ordered_json figures = metrics_json(m);
    for (const auto& value : figures) {
      const std::string field = value.dump();  // as metrics.jsonl has it; NaN: null
      line += (line.empty() ? "" : ",") + (field == "null" ? "" : field);
    }
    text += line + '\n';
  }
  return text;
}

}  // namespace thaw
