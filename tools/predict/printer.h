// Predictions on standard output, each as it comes.
#pragma once

#include <string>
#include <vector>

#include "tools/evaluate/predict.h"

namespace thaw {

struct PrintOptions {
  int topk = 5;                  // classes to name; all where there are fewer
  std::string format = "table";  // or csv, json
  bool logits = false;
};

class Printer {
 public:
  // `names`: of the classes. `width`: of the table's column of pictures.
  Printer(PrintOptions options, std::vector<std::string> names, std::size_t width);

  void print(const Prediction& prediction);
  void finish() const;  // after the last one

 private:
  void print_header(std::size_t logits) const;
  void print_json(const Prediction& p) const;
  void print_csv(const Prediction& p) const;
  void print_table(const Prediction& p) const;

  PrintOptions options_;
  std::vector<std::string> names_;
  std::size_t width_, topk_ = 0;
  bool printed_ = false;
};

}  // namespace thaw
