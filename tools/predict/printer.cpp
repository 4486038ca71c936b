#include "tools/predict/printer.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "io/file/text.h"
#include "tools/predict/csv_field.h"

namespace thaw {

Printer::Printer(PrintOptions options, std::vector<std::string> names, std::size_t width)
    : options_(std::move(options)), names_(std::move(names)), width_(width) {
  topk_ = std::min(static_cast<std::size_t>(options_.topk), names_.size());
}

void Printer::print(const Prediction& p) {
  if (!printed_) print_header(p.logits.size());
  if (options_.format == "json")
    print_json(p);
  else if (options_.format == "csv")
    print_csv(p);
  else
    print_table(p);
  printed_ = true;
}

void Printer::finish() const {
  if (options_.format == "json") fmt::print("{}]\n", printed_ ? "" : "[");
}

void Printer::print_header(std::size_t logits) const {
  if (options_.format == "json") fmt::print("[");
  if (options_.format != "csv") return;
  fmt::print("image,label,index,probability");
  for (std::size_t k = 2; k <= topk_; ++k) fmt::print(",label_{},probability_{}", k, k);
  for (std::size_t k = 0; options_.logits && k < logits; ++k) fmt::print(",logit_{}", k);
  fmt::print("\n");
}

void Printer::print_json(const Prediction& p) const {
  nlohmann::ordered_json entry;
  const auto best = static_cast<std::size_t>(p.order.front());
  entry["image"] = p.image;
  if (p.views.size() > 1) entry["views"] = p.views;
  entry["label"] = names_[best];
  entry["index"] = best;
  entry["probability"] = p.probability[best];
  entry["topk"] = nlohmann::ordered_json::array();
  for (std::size_t k = 0; k < topk_; ++k) {
    const auto c = static_cast<std::size_t>(p.order[k]);
    entry["topk"].push_back(nlohmann::ordered_json::array({names_[c], p.probability[c]}));
  }
  if (options_.logits) entry["logits"] = p.logits;
  fmt::print("{}{}", printed_ ? ",\n" : "",
             entry.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

void Printer::print_csv(const Prediction& p) const {
  const auto best = static_cast<std::size_t>(p.order.front());
  fmt::print("{},{},{},{:.6f}", csv_field(p.image), csv_field(names_[best]), best, p.probability[best]);
  for (std::size_t k = 1; k < topk_; ++k) {
    const auto c = static_cast<std::size_t>(p.order[k]);
    fmt::print(",{},{:.6f}", csv_field(names_[c]), p.probability[c]);
  }
  if (options_.logits)
    for (const float z : p.logits) fmt::print(",{}", z);
  fmt::print("\n");
}

void Printer::print_table(const Prediction& p) const {
  fmt::print("{:{}}", printable(p.image), width_);
  for (std::size_t k = 0; k < topk_; ++k) {
    const auto c = static_cast<std::size_t>(p.order[k]);
    fmt::print("  {} {:.4f}", printable(names_[c]), p.probability[c]);
  }
  if (options_.logits) fmt::print("  logits {}", fmt::join(p.logits, " "));
  fmt::print("\n");
}

}  // namespace thaw
