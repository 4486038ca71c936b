// When train warns, and that it does so once.
#include "tools/train/warnings.h"

#include <doctest/doctest.h>

#include "tools/network/model_options.h"

namespace thaw {
namespace {

// The epochs in which a run with these training losses warned, as "3" or "2,4".
std::string warned(const std::vector<double>& losses, const std::string& word, double accuracy = 0.4) {
  std::vector<EpochMetrics> epochs;
  std::string out;
  for (const double loss : losses) {
    EpochMetrics m;
    m.epoch = static_cast<int>(epochs.size()) + 1;
    m.train_loss = loss;
    m.train_accuracy = accuracy;
    epochs.push_back(m);
    TrainOptions options;
    options.lr = 0.25;
    const std::string text = loss_warning(epochs, options);
    CHECK((text.find("--lr find") != std::string::npos) == !text.empty());
    options.lr_find = true;
    CHECK(loss_warning(epochs, options).find("--lr find") == std::string::npos);
    if (text.empty()) continue;
    CHECK(text.find(word) != std::string::npos);
    CHECK(text.find("0.25") != std::string::npos);
    CHECK(text.size() <= 300);
    out += (out.empty() ? "" : ",") + std::to_string(m.epoch);
  }
  return out;
}

TEST_CASE("loss_warning: a loss that hardly falls in three epochs") {
  CHECK(warned({1.6, 1.58, 1.56, 1.55, 1.55}, "hardly falls") == "3");
  CHECK(warned({1.6, 1.5, 1.4}, "hardly falls") == "");
  CHECK(warned({1.6, 1.58}, "hardly falls") == "");
  CHECK(warned({0.05, 0.05, 0.05}, "hardly falls", 0.99) == "");
}

TEST_CASE("loss_warning: a loss that explodes, once") {
  CHECK(warned({1.6, 1.2, 5.1, 9.0, 20}, "has risen") == "3");
  CHECK(warned({1.6, 1.2, 1.0, 2.9}, "has risen") == "");
  CHECK(warned({0.01, 0.2, 0.02}, "has risen", 0.99) == "");  // of a loss that is small all the same
}

TEST_CASE("majority_warning: an accuracy that one word for all would have") {
  const std::vector<int> labels{0, 1, 1, 1};
  const auto report = [&](const std::vector<float>& logits) {
    return evaluation_report(logits, 2, labels, {"cat", "dog"});
  };
  const std::string text = majority_warning(report({0, 1, 0, 1, 0, 1, 0, 1}), {});
  CHECK(text.find("always saying dog (0.7500)") != std::string::npos);
  CHECK(majority_warning(report({1, 0, 0, 1, 0, 1, 0, 1}), {}).empty());
  CHECK_FALSE(majority_warning(report({1, 0, 1, 0, 0, 1, 0, 1}), {}).empty());
  CHECK(majority_warning({}, {}).empty());
}

TEST_CASE("scale_warning: a mean or deviation of pixels from 0 to 255") {
  ModelOptions options;
  CHECK(scale_warning(options).empty());
  options.mean = {0.485f, 0, 1};
  CHECK(scale_warning(options).empty());
  options.mean = {127.5f, 51, 0};
  CHECK(scale_warning(options).find("give --mean 0.5") != std::string::npos);
  options.mean = {};
  options.std = {58};
  CHECK(scale_warning(options).find("--std 58 is not") != std::string::npos);
}

}  // namespace
}  // namespace thaw
