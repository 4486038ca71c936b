// What fit and a resumed run keep of the options: every one that train has.
#include "tools/train/given_options.h"

#include <doctest/doctest.h>

#include "tools/program/frame.h"

namespace thaw {
namespace {

// A value of each option that is not its default, as given_options writes it.
const GivenOptions others{{"data", {"d"}},
                          {"batch-size", {"3"}},
                          {"workers", {"0"}},
                          {"scan", {"full"}},
                          {"on-bad-image", {"skip"}},
                          {"max-bad-fraction", {"0.25"}},
                          {"split-by", {"(.)/"}},
                          {"sampler", {"balanced"}},
                          {"weights", {"w.pth"}},
                          {"model", {"resnet20"}},
                          {"ignore", {"ema.*,*.extra"}},
                          {"in-chans", {"1"}},
                          {"mean", {"0.1,0.2,0.7"}},
                          {"std", {"0.3,0.4,0.123"}},
                          {"input-size", {"48"}},
                          {"crop-pct", {"0.9"}},
                          {"device", {"cpu"}},
                          {"precision", {"bf16"}},
                          {"threads", {"1"}},
                          {"tf32", {"true"}},
                          {"cudnn-benchmark", {"false"}},
                          {"freeze", {"features[0:9],features[11]"}},
                          {"freeze-epochs", {"1"}},
                          {"bn", {"train"}},
                          {"epochs", {"7"}},
                          {"lr", {"0.0123456789012345"}},
                          {"backbone-lr-mult", {"0.1"}},
                          {"opt", {"adamw"}},
                          {"momentum", {"0.8"}},
                          {"wd", {"1e-05"}},
                          {"clip-grad", {"2.5"}},
                          {"sched", {"step"}},
                          {"warmup-epochs", {"2"}},
                          {"lr-step-size", {"4"}},
                          {"lr-gamma", {"0.3"}},
                          {"plateau-patience", {"5"}},
                          {"patience", {"6"}},
                          {"label-smoothing", {"0.1"}},
                          {"class-weights", {"balanced"}},
                          {"val-split", {"0.3"}},
                          {"split-seed", {"18446744073709551615"}},
                          {"seed", {"9"}},
                          {"no-aug", {"true"}},
                          {"cache-features", {"true"}},
                          {"tensorboard", {"true"}}};

TEST_CASE("given_options: every option of train, to the last digit") {
  CHECK(given_options(TrainOptions()).empty());
  CHECK(given_options(parsed_options(others)) == others);
}

TEST_CASE("given_options: an option that train gets is named here") {
  TrainOptions options;
  const auto app = make_app("", "train");
  add_train_options(*app, options);
  for (const CLI::Option* option : app->get_options()) {
    if (option->get_group().empty()) continue;  // hidden
    const std::string name = option->get_lnames().empty() ? option->get_name() : option->get_lnames().front();
    const bool of_this_part = name == "help" || name == "version" || name == "config" || name == "output" ||
                              name == "resume" || name == "stop-after" || name == "dry-run";
    CHECK_MESSAGE((of_this_part || others.count(name) == 1), name);
  }
}

}  // namespace
}  // namespace thaw
