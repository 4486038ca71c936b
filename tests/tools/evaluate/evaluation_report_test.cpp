#include "tools/evaluate/evaluation_report.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "kernels/error.h"
#include "tools/network/rename_rule.h"
#include "tools/report/metrics_log.h"

namespace thaw {
namespace {

TEST_CASE("evaluation_report: figures of a small confusion matrix") {
  // True 0 0 1 1 1; guesses 0 1 1 1 0.
  const std::vector<float> logits{2, 0, 0, 1, 0, 2, 1, 1.5f, 3, 0};
  const EvaluationReport r = evaluation_report(logits, 2, {0, 0, 1, 1, 1}, {"a", "b"});
  CHECK(r.images == 5);
  CHECK(r.top1 == doctest::Approx(0.6).epsilon(1e-12));
  CHECK(r.confusion == std::vector<std::vector<std::int64_t>>{{1, 1}, {1, 2}});
  CHECK(r.per_class[1].precision == doctest::Approx(2.0 / 3).epsilon(1e-12));
  CHECK(r.per_class[0].recall == doctest::Approx(0.5).epsilon(1e-12));
  CHECK(r.per_class[0].f1 == doctest::Approx(0.5).epsilon(1e-12));
  // Scores b - a: -2, 1 | 2, 0.5, -3. Pairs won: 2 beats both, 0.5 beats one, -3 none: 3 of 6.
  REQUIRE(r.auc.has_value());
  CHECK(*r.auc == doctest::Approx(0.5).epsilon(1e-12));
  const double expected = (std::log1p(std::exp(-2)) + std::log1p(std::exp(1)) + std::log1p(std::exp(-2)) +
                           std::log1p(std::exp(-0.5)) + std::log1p(std::exp(3))) /
                          5;
  CHECK(r.loss == doctest::Approx(expected).epsilon(1e-12));
  // Wilson's intervals of 3 of 5 and 1 of 2, by statsmodels.
  const auto json = nlohmann::json::parse(r.json());
  CHECK(json["top1_interval"][0].get<double>() == doctest::Approx(0.230724));
  CHECK(json["top1_interval"][1].get<double>() == doctest::Approx(0.882379));
  CHECK(json["per_class"][0]["recall_interval"][0].get<double>() == doctest::Approx(0.094531));
  CHECK(r.table().find("95 % interval of top-1 (Wilson): 0.2307 to 0.8824") != std::string::npos);
}

TEST_CASE("evaluation_report: ties count half, one logit means two classes") {
  const EvaluationReport r = evaluation_report({1, 1, -1}, 1, {1, 0, 0}, {"no", "yes"});
  CHECK(*r.auc == doctest::Approx(0.75).epsilon(1e-12));
  CHECK(r.top1 == doctest::Approx(2.0 / 3).epsilon(1e-12));
  CHECK(r.loss ==
        doctest::Approx((2 * std::log1p(std::exp(-1)) + std::log1p(std::exp(1))) / 3).epsilon(1e-12));
  const float z = 2;
  CHECK(probabilities(&z, 1)[1] == doctest::Approx(1 / (1 + std::exp(-2.0))).epsilon(1e-12));
}

TEST_CASE("evaluation_report: balanced accuracy is the mean recall of the classes that are there") {
  // True a a a b, none of c; right 2 of 3 and 0 of 1.
  const std::vector<float> logits{3, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 3};
  const EvaluationReport r = evaluation_report(logits, 3, {0, 0, 0, 1}, {"a", "b", "c"});
  CHECK(r.top1 == 0.5);
  CHECK(r.balanced_accuracy == doctest::Approx((2.0 / 3 + 0) / 2).epsilon(1e-12));
  CHECK(r.table().find("balanced 0.3333") != std::string::npos);
}

TEST_CASE("evaluation_report: the largest losses come first, of equal ones the earlier case") {
  const std::vector<float> logits{0, 1, 2, 0, 0, 1, 0, 4, 5, 0};
  const EvaluationReport r = evaluation_report(logits, 2, {0, 0, 0, 0, 0}, {"a", "b"});
  const auto indices = [&r](std::size_t count, bool wrong) {
    std::vector<std::int64_t> found;
    for (const CaseLoss& c : r.top_losses(count, wrong)) found.push_back(c.index);
    return found;
  };
  CHECK(indices(4, false) == std::vector<std::int64_t>{3, 0, 2, 1});
  CHECK(indices(9, true) == std::vector<std::int64_t>{3, 0, 2});
  CHECK(indices(0, false).empty());
  const CaseLoss worst = r.top_losses(1).front();
  CHECK(worst.loss == doctest::Approx(std::log1p(std::exp(4))).epsilon(1e-12));
  CHECK(worst.probability == doctest::Approx(1 / (1 + std::exp(4))).epsilon(1e-12));
  CHECK(worst.predicted == 1);
}

TEST_CASE("evaluation_report: what cannot be right is an error") {
  CHECK_THROWS_AS(evaluation_report({1, 2, 3}, 3, {0}, {"a", "b"}), Error);
  CHECK_THROWS_AS(evaluation_report({1, std::numeric_limits<float>::quiet_NaN()}, 2, {0}, {"a", "b"}), Error);
}

TEST_CASE("metrics_line: the documented keys, in order; no validation is null") {
  EpochMetrics m;
  m.epoch = 1;
  m.train_loss = 0.61, m.train_accuracy = 0.71, m.val_loss = 0.52, m.val_accuracy = 0.78;
  m.lr = 0.001, m.images_per_second = 412, m.seconds = 5.8, m.data_wait_fraction = 0.01;
  CHECK(
      metrics_line(m) ==
      R"({"epoch":1,"train_loss":0.61,"train_accuracy":0.71,"val_loss":0.52,"val_accuracy":0.78,"lr":0.001,)"
      R"("images_per_second":412.0,"seconds":5.8,"data_wait_fraction":0.01})");
  m.val_loss = std::numeric_limits<double>::quiet_NaN();
  CHECK(metrics_line(m).find(R"("val_loss":null)") != std::string::npos);
}

TEST_CASE("rename_tensors: rules in order, groups, and clear errors") {
  StateDict dict;
  dict.add("net.0.weight", Tensor::zeros_host({1}));
  dict.add("net.0.bias", Tensor::zeros_host({1}));
  const StateDict renamed = rename_tensors(dict, {"^net\\.(\\d)=>conv$1", "weight=>w"});
  CHECK(renamed.entries()[0].first == "conv0.w");
  CHECK(renamed.entries()[1].first == "conv0.bias");
  CHECK_THROWS_AS(rename_tensors(dict, {"no arrow"}), Error);
  CHECK_THROWS_AS(rename_tensors(dict, {"(=>x"}), Error);
  CHECK_THROWS_AS(rename_tensors(dict, {"absent=>x"}), Error);
  CHECK_THROWS_AS(rename_tensors(dict, {"weight|bias=>same"}), Error);
}

}  // namespace
}  // namespace thaw
