// Command lines as people who come from timm, torchvision or fastai write them, and as they are mistyped.
#include <algorithm>
#include <sstream>

#include "tests/tools/programs.h"

namespace thaw::testing {
namespace {

using Arguments = std::vector<std::string>;

struct WrongUse {
  std::string program;
  Arguments arguments;
  std::string remedy;  // stands in the answer
};

// Where nothing else is said, --help is the remedy.
const WrongUse wrong_uses[] = {
    {"train", {"--lerning-rate", "0.1"}, "nearest: --lr"},
    {"train", {"--epoch", "3"}, "nearest: --epochs"},
    {"train", {"--batchsize", "3"}, "nearest: --batch-size"},
    {"train", {"--wieghts", "w.pth"}, "nearest: --weights"},
    {"train", {"--modle", "resnet18"}, "nearest: --model"},
    {"train", {"--ouput", "o"}, "nearest: --output"},
    {"train", {"--no-augs"}, "nearest: --no-aug"},
    {"train", {"--label-smooth", "0.1"}, "nearest: --label-smoothing"},
    {"train", {"--lr-gama=0.1"}, "nearest: --lr"},
    {"train", {"--pretrained"}, "--weights FILE"},
    {"train", {"--amp"}, "--precision bf16"},
    {"train", {"--fp16"}, "--precision bf16"},
    {"train", {"--gpu", "0"}, "--device cuda"},
    {"train", {"--num-classes", "5"}, "folders"},
    {"train", {"--freeze-backbone"}, "--freeze backbone"},
    {"train", {"--finetune"}, "--freeze SPEC"},
    {"train", {"-x"}, "see --help"},
    {"train", {"-lr", "0.1"}, "see --help"},
    {"train", {"resnet18"}, "options begin with --"},
    {"train", {"--data", "my", "pictures"}, "quotes"},
    {"train", {"--weights"}, "needs a value"},
    {"train", {"--lr"}, "needs a value"},
    {"train", {"--lr", "abc"}, "no number"},
    {"train", {"--lr", "0"}, "above 0"},
    {"train", {"--lr", "-1"}, "above 0"},
    {"train", {"--lr", "1e-3x"}, "no number"},
    {"train", {"--epochs", "0"}, "from 1 to 1000000"},
    {"train", {"--epochs", "1.5"}, "whole number"},
    {"train", {"--epochs", "many"}, "whole number"},
    {"train", {"--epochs", "99999999999999999999"}, "whole number"},
    {"train", {"-b", "0"}, "from 1 to 65536"},
    {"train", {"-b", "x"}, "whole number"},
    {"train", {"--workers", "-1"}, "from 0 to 256"},
    {"train", {"--workers", "500"}, "from 0 to 256"},
    {"train", {"--threads", "-2"}, "from 0 to 1024"},
    {"train", {"--seed", "-1"}, "from 0 to 2^64 - 1"},
    {"train", {"--seed", "x"}, "from 0 to 2^64 - 1"},
    {"train", {"--val-split", "2"}, "from 0 to 0.99"},
    {"train", {"--opt", "adam"}, "sgd, adamw"},
    {"train", {"--sched", "linear"}, "cosine, step, constant, plateau"},
    {"train", {"--device", "gpu"}, "auto, cpu, cuda, reference"},
    {"train", {"--precision", "fp16"}, "f32, bf16"},
    {"train", {"--lr_find"}, "give --lr find"},
    {"train", {"--mixup", "0.2"}, "Thaw has none"},
    {"train", {"--bn", "eval"}, "auto, frozen, train"},
    {"train", {"--in-chans", "4"}, "1, 3"},
    {"train", {"--class-weights", "auto"}, "none, balanced"},
    {"train", {"--no-aug=3x"}, "takes no value"},
    {"train", {"--resume=yes"}, "takes no value"},
    {"train", {"--crop-pct", "1.5"}, "from 0.1 to 1"},
    {"train", {"--mean", "a,b,c"}, "no number"},
    {"train", {"--momentum", "1"}, "from 0 to 0.9999"},
    {"train", {"--config", "no-such-file"}, "no-such-file"},
    {"train", {}, "--data DIR is required"},
    {"evaluate", {}, "--data DIR is required"},
    {"evaluate", {"--split", "dev", "--data", "d"}, "train, val, test, all"},
    {"evaluate", {"--batch-size", "1e3", "--data", "d"}, "whole number"},
    {"predict", {}, "IMAGE is required"},
    {"predict", {"--format", "yaml", "a.png"}, "table, csv, json"},
    {"predict", {"--topk", "0", "a.png"}, "from 1 to 100000"},
    {"predict", {"a.png"}, "--weights FILE is required"},
    {"inspect", {}, "--model NAME"},
    {"inspect", {"--model", "resnet5"}, "nearest: resnet50"},
    {"inspect", {"--model", "resnet:blocs=2"}, "--model: resnet: blocks is missing"},
    {"inspect", {"--model", "resnet:blocks=2,widht=8"}, "nearest: width"},
    {"bench", {"--model", "densenet:growth=12,blocks=999"}, "from 1 to 128"},
    {"train", {"--data", "d", "--output", "o", "--model", "resnet20", "--ignore", "a*"}, "--weights FILE"},
    {"inspect", {"--model", "resnet18", "--freeze", "layr1"}, "layer1"},
    {"convert", {}, "see --help"},
    {"compare", {"--plan", "0,1"}, "nearest: --plans"},
    {"compare", {"--seeds", "0"}, "from 1 to 1000"},
    {"bench", {"--model", "resnet99"}, "nearest"},
    {"bench", {"--repeats", "none"}, "whole number"},
    {"bench", {"--only", "conv2_forward"}, "nearest: conv2d_forward"},
    {"bench", {"--dense", "--only", "add"}, "leave one of the two out"},
    {"predict", {"--tta", "flip", "a.png"}, "none, flips"},
    {"predict", {"--output-features", "f.txt", "a.png"}, ".npy, .csv or .safetensors"},
    {"predict", {"--tta", "flips", "--logits", "a.png"}, "leave it out"},
    {"make_shapes", {}, "--output is required"},
    {"make_shapes", {"--task", "x", "--output", "o"}, "pretrain, transfer"},
};

TEST_CASE("a wrong command line: one line of at most 300 characters, with what mends it") {
  for (const WrongUse& use : wrong_uses) {
    const Outcome outcome = run(use.program, use.arguments);
    CAPTURE(use.program);
    CAPTURE(outcome.err);
    CHECK(outcome.code == 2);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.starts_with("error: "));
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    CHECK(outcome.err.size() <= 300);
    CHECK(outcome.err.find(use.remedy) != std::string::npos);
  }
}

TEST_CASE("names that other programs give to options are taken") {
  const TempFolder folder;
  make_pictures(folder.file("data"), 2, 1);
  const Outcome outcome =
      run("train", {"--data-dir", folder.file("data"), "--arch=resnet20", "--learning-rate", "0.01",
                    "--weight_decay", "0", "--optimizer", "adamw", "--img-size", "16", "--dry-run"});
  CAPTURE(outcome.err);
  CHECK(outcome.code == 0);
}

TEST_CASE("--config: values as they stand, comments, aliases, and the line of what is wrong") {
  const TempFolder folder;
  make_pictures(folder.file("my pics, 2"), 2, 1);
  const std::string config = folder.file("train.ini");
  const auto train = [&](const std::string& text) {
    write_file(config, text);
    return run("train", {"--config", config, "--dry-run"});
  };
  const std::string good =
      "# comment\n; another\n\ndata-dir = " + folder.file("my pics, 2") +
      "\nmodel = 'resnet20'  \nfreeze = conv1,layer1.0  # two modules\ninput-size = 16\nno-aug = true\n";
  const Outcome outcome = train(good);
  CAPTURE(outcome.err);
  CHECK(outcome.code == 0);
  CHECK(train(good + "modle = resnet20\n").err.find("line 9: there is no option --modle; nearest: --model") !=
        std::string::npos);
  CHECK(train("data\n").err.find("--config: line 1: 'data' is not NAME = VALUE") != std::string::npos);
  CHECK(train(good + "no-aug = perhaps\n").code == 2);
}

TEST_CASE("--help fits 100 columns, names groups and defaults; --version") {
  for (const char* program :
       {"train", "evaluate", "predict", "convert", "inspect", "compare", "bench", "make_shapes"}) {
    CAPTURE(program);
    const Outcome help = run(program, {"--help"});
    CHECK(help.code == 0);
    CHECK(help.out.find("--version") != std::string::npos);
    std::istringstream lines(help.out);
    for (std::string line; std::getline(lines, line);) {
      CAPTURE(line);
      CHECK(line.size() <= 100);
    }
    const Outcome version = run(program, {"--version"});
    CHECK(version.code == 0);
    CHECK(version.out == std::string(program) + " of Thaw 0.1.0\n");
  }
  CHECK(run("train", {"--help"}).out.find("--opt sgd|adamw") != std::string::npos);
}

}  // namespace
}  // namespace thaw::testing
