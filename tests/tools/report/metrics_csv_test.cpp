#include "tools/report/metrics_csv.h"

#include <doctest/doctest.h>

#include <cmath>

namespace thaw {
namespace {

TEST_CASE("metrics_csv: the columns and digits of metrics.jsonl; what an epoch does not have is empty") {
  EpochMetrics m;
  m.epoch = 1;
  m.train_loss = 0.5, m.train_accuracy = 0.25, m.lr = 0.001, m.images_per_second = 412.04, m.seconds = 5.8;
  m.val_loss = m.val_accuracy = std::nan("");
  CHECK(metrics_csv({m}) ==
        "epoch,train_loss,train_accuracy,val_loss,val_accuracy,lr,images_per_second,seconds,data_wait_"
        "fraction\n"
        "1,0.5,0.25,,,0.001,412.0,5.8,0.0\n");
  CHECK(metrics_csv({}).find('\n') == metrics_csv({}).size() - 1);
}

}  // namespace
}  // namespace thaw
