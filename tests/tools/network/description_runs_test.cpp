// A network by its description, and weights of others, through the programs.
#include "tests/tools/programs.h"

#include "io/weights/checkpoint.h"
#include "io/weights/safetensors.h"
#include "io/weights/weights.h"
#include "models/registry.h"
#include "models/weights/initialize.h"

namespace thaw::testing {
namespace {

TEST_CASE("descriptions: trained, resumed, and opened again by the name in the checkpoint") {
  const TempFolder folder;
  make_pictures(folder.file("data"), 3, 2);
  const std::string model = "resnet:stem=cifar,block=bottleneck,blocks=1-1,width=8,groups=2",
                    run_folder = folder.file("run");
  const std::vector<std::string> training{
      "--data", folder.file("data"), "--model", model,      "--input-size", "16",       "--epochs",
      "2",      "--workers",         "0",       "--freeze", "upto:layer1",  "--output", run_folder};
  Outcome outcome = run("train", with(training, {"--stop-after", "1"}));
  CAPTURE(outcome.err);
  REQUIRE(outcome.code == 0);
  outcome = run("train", with(training, {"--resume"}));
  CAPTURE(outcome.err);
  REQUIRE(outcome.code == 0);
  const std::string weights = run_folder + "/best.safetensors";
  CHECK(run("evaluate", {"--data", folder.file("data"), "--weights", weights}).code == 0);
  CHECK(run("predict", {"--weights", weights, folder.file("data") + "/val/dark/0.png"}).code == 0);
  CHECK(run("inspect", {weights}).out.find(model) != std::string::npos);
  // The same network in other words, and another one.
  CHECK(run("evaluate", {"--data", folder.file("data"), "--weights", weights, "--model",
                         "resnet:block=bottleneck,width=8,groups=2,group_width=4,blocks=1-1,stem=cifar"})
            .code == 0);
  outcome = run("evaluate", {"--data", folder.file("data"), "--weights", weights, "--model", "resnet18"});
  CHECK(outcome.code == 2);
  CHECK(outcome.err == "error: --model resnet18: " + weights + " holds a " + model + "\n");

  const std::string config = folder.file("config.ini");
  write_file(config, "model = " + model + "\ndata = " + folder.file("data") + "\n");
  CHECK(run("train", {"--config", config, "--dry-run"}).code == 0);
  CHECK(run("bench", {"--step", "--device", "cpu", "--model", model, "--input-size", "16", "--batch-size",
                      "2", "--repeats", "1"})
            .code == 0);

  // A checkpoint cannot ask for a network that is out of all measure.
  const LoadedWeights good = read_weights(weights);
  std::string lie = good.metadata;
  lie.replace(lie.find("width=8"), 7, "width=1024,group_width=1024");
  write_checkpoint(folder.file("lie.safetensors"), good.tensors, lie);
  outcome = run("inspect", {folder.file("lie.safetensors")});
  CHECK(outcome.code == 1);
  CHECK(outcome.err.find("lie.safetensors") != std::string::npos);
}

TEST_CASE("--ignore in every program that reads weights of others") {
  const TempFolder folder;
  make_pictures(folder.file("data"), 3, 2);
  const auto network = make_network("resnet20b", {.num_classes = 2});
  initialize(*network, 1);
  StateDict tensors = network->state_dict();
  tensors.add("ema.decay", Tensor::zeros_host({1}));
  const std::string weights = folder.file("w.safetensors"), data = folder.file("data"),
                    picture = data + "/val/dark/0.png";
  write_safetensors(weights, tensors);
  const std::vector<std::string> model{"--model", "resnet20b", "--weights", weights, "--input-size", "16"},
      ignore = with(model, {"--ignore", "ema.*"});
  const std::string note = "weights: ignored 1 tensor: ema.decay\n";
  const auto check = [&](const std::string& program, const std::vector<std::string>& arguments,
                         const std::vector<std::string>& others) {
    CAPTURE(program);
    const Outcome with_it = run(program, with(ignore, arguments));
    CAPTURE(with_it.err);
    CHECK(with_it.code == 0);
    CHECK((with_it.err + with_it.out).find(note) != std::string::npos);
    const Outcome without = run(program, with(model, others));
    CHECK(without.code == 1);
    CHECK(without.err.find("unexpected 1 tensor: ema.decay; leave them out with --ignore GLOB") !=
          std::string::npos);
  };
  check("evaluate", {"--data", data}, {"--data", data});
  check("predict", {picture}, {picture});
  const std::vector<std::string> training{"--data", data, "--epochs", "1", "--workers", "0", "--output"};
  check("train", with(training, {folder.file("run")}), with(training, {folder.file("other")}));
  CHECK(run("train", with(with(ignore, training), {folder.file("run"), "--resume"})).code == 0);

  const Outcome compared =
      run("compare",
          with(with(ignore, training), {folder.file("compared"), "--seeds", "1", "--plans", "scratch,0"}));
  CAPTURE(compared.err);
  CHECK(compared.code == 0);
  CHECK(compared.err.find(note) != std::string::npos);

  const std::string out = folder.file("out.safetensors");
  const Outcome converted = run("convert", {weights, out, "--model", "resnet20b", "--ignore", "ema.*"});
  CAPTURE(converted.err);
  CHECK(converted.code == 0);
  CHECK(converted.err.find(note) != std::string::npos);
  CHECK(run("predict", {"--weights", out, picture}).code == 0);
  CHECK(run("convert", {weights, folder.file("other.safetensors"), "--ignore", "emo.*"}).code == 2);
}

}  // namespace
}  // namespace thaw::testing
