#include "tools/cost/plan_table.h"

#include <nlohmann/json.hpp>

#include "tests/tools/programs.h"

namespace thaw::testing {
namespace {

const char* const story = "features[0:9],features[11]";

TEST_CASE("plan table: the story's plan of DenseNet-121") {
  const PlanTable table =
      plan_table("densenet121", {.num_classes = 2},
                 {.freeze = story, .lr = 0.01, .backbone_lr_mult = 0.1, .input_size = 64});
  REQUIRE(table.rows.size() == 14);
  const char* const labels[] = {"features[0] conv0",
                                "features[1] norm0",
                                "features[2] relu0",
                                "features[3] pool0",
                                "features[4] denseblock1",
                                "features[5] transition1",
                                "features[6] denseblock2",
                                "features[7] transition2",
                                "features[8] denseblock3",
                                "features[9] transition3",
                                "features[10] denseblock4",
                                "features[11] norm5",
                                "avgpool",
                                "classifier"};
  for (std::size_t i = 0; i < table.rows.size(); ++i) CHECK(table.rows[i].label == labels[i]);
  // The counts are torchvision's, by sum(p.numel() for p in model.features[i].parameters()).
  CHECK(table.rows[8].parameters == 2837760);
  CHECK(table.rows[9].parameters == 526336);
  CHECK(table.rows[10].parameters == 2158080);
  CHECK(table.trained == 526336 + 2158080 + 2 * 1024 + 2);
  CHECK(table.rows[8].trained == 0);
  CHECK(table.rows[8].lr == 0.0);
  CHECK(table.rows[9].lr == doctest::Approx(0.001));
  CHECK(table.rows[13].lr == 0.01);
  CHECK(table.rows[0].batch_norm.empty());
  CHECK(table.rows[8].batch_norm == "running");
  CHECK(table.rows[9].batch_norm == "batch");
  CHECK(table.rows[11].batch_norm == "running");
  for (std::size_t i = 0; i < 9; ++i) CHECK(table.rows[i].cost.backward_flops == 0.0);
  CHECK(table.cost.forward_flops == table.all_cost.forward_flops);
  CHECK(table.cost.backward_flops < 0.3 * table.all_cost.backward_flops);
  CHECK(table.cost.saved_bytes < 0.2 * table.all_cost.saved_bytes);
}

TEST_CASE("plan table: with --bn train frozen BatchNorms move, with --bn frozen none uses the batch") {
  PlanSettings settings{.freeze = "layer1,layer2.0", .bn = BatchNormPolicy::train};
  const PlanTable moving = plan_table("resnet20", {}, settings);
  CHECK(moving.rows[1].label == "bn1");
  CHECK(moving.rows[1].batch_norm == "batch");
  CHECK(moving.rows[2].batch_norm == "moving");
  CHECK(moving.rows[3].batch_norm == "both");
  CHECK(moving.rows[3].trained < moving.rows[3].parameters);
  CHECK(plan_text(moving).find("BatchNorm moving: frozen") != std::string::npos);
  settings.bn = BatchNormPolicy::frozen;
  for (const PlanRow& row : plan_table("resnet20", {}, settings).rows)
    CHECK((row.batch_norm.empty() || row.batch_norm == "running"));
}

TEST_CASE("plan table: the batch's statistics cost memory that running ones do not") {
  PlanSettings settings{.freeze = "layer2"};
  const StageCost running = plan_table("resnet20", {}, settings).rows[3].cost;
  settings.bn = BatchNormPolicy::train;
  CHECK(plan_table("resnet20", {}, settings).rows[3].cost.saved_bytes > running.saved_bytes);
}

TEST_CASE("inspect and train --dry-run print the same plan; the latter writes nothing") {
  const TempFolder folder;
  make_pictures(folder.file("data"));
  const Outcome dry = run("train", {"--data", folder.file("data"), "--model", "resnet20", "--freeze",
                                    "upto:layer1", "--bn", "train", "--lr", "0.02", "--backbone-lr-mult",
                                    "0.5", "--dry-run", "--output", folder.file("run")});
  INFO(dry.err);
  REQUIRE(dry.code == 0);
  CHECK(dry.err.find("data: ") != std::string::npos);
  CHECK(!fs::exists(folder.file("run")));
  std::vector<std::string> arguments{"--model",       "resnet20", "--freeze", "upto:layer1",        "--bn",
                                     "train",         "--lr",     "0.02",     "--backbone-lr-mult", "0.5",
                                     "--num-classes", "2"};
  const Outcome inspected = run("inspect", arguments);
  REQUIRE(inspected.code == 0);
  CHECK(dry.out.find("layer1") != std::string::npos);
  CHECK(inspected.out.find(dry.out) != std::string::npos);

  arguments.push_back("--json");
  const auto json = nlohmann::json::parse(run("inspect", arguments).out);
  const auto& stage = json.at("stages").at(3);
  CHECK(stage.at("name") == "layer2");
  CHECK(stage.at("trainable") == true);
  CHECK(stage.at("batch_norm") == "batch");
  CHECK(stage.at("lr") == 0.01);
  CHECK(json.at("stages").at(2).at("backward_flops") == 0.0);
  CHECK(stage.at("backward_flops") > 0.0);
  CHECK(json.at("plan").at("trained_parameters") < json.at("plan").at("parameters"));
  CHECK(json.at("plan").at("saved_bytes") < json.at("plan").at("saved_bytes_training_all"));
}

}  // namespace
}  // namespace thaw::testing
