// predict, run as a user runs it: folders, names from standard input, bad pictures among good ones.
#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "io/weights/safetensors.h"
#include "models/registry.h"
#include "models/weights/initialize.h"
#include "tests/tools/programs.h"
#include "tools/evaluate/evaluate_model.h"
#include "tools/evaluate/picture_names.h"

namespace thaw::testing {
namespace {

// A ResNet-20 with weights at random, as a file that Thaw did not write.
std::string random_weights(const TempFolder& folder, std::int64_t classes) {
  const auto network = make_network("resnet20", {.num_classes = classes});
  initialize(*network, 3);
  write_safetensors(folder.file("w.safetensors"), network->state_dict());
  return folder.file("w.safetensors");
}

Image mirror_image(Image image) {
  const Image original = image;
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x)
      for (int c = 0; c < image.channels; ++c)
        image.pixels[static_cast<std::size_t>((y * image.width + x) * image.channels + c)] =
            original.pixels[static_cast<std::size_t>(
                (y * image.width + image.width - 1 - x) * image.channels + c)];
  return image;
}

TEST_CASE("predict: folders, top classes in CSV, other names, and a bad picture stops no other") {
  const TempFolder folder;
  const std::string data = folder.file("data"), output = folder.file("out");
  make_pictures(data, 20, 2);
  REQUIRE(run("train", with(quick_training(data, output), {"--stop-after", "1"})).code == 0);
  const std::vector<std::string> weights{"--weights", output + "/last.safetensors"};

  const Outcome csv = run("predict", with(weights, {"--format", "csv", data + "/train"}));
  CAPTURE(csv.err);
  REQUIRE(csv.code == 0);
  CHECK(csv.out.starts_with("image,label,index,probability,label_2,probability_2\n"));
  CHECK(std::count(csv.out.begin(), csv.out.end(), '\n') == 41);

  write_file(data + "/train/dark/3x.png", "no picture");
  const Outcome json = run("predict", with(weights, {"--format", "json", data + "/train"}));
  CHECK(json.code == 1);
  CHECK(json.err.find("3x.png: ") != std::string::npos);
  CHECK(json.err.find("1 of 41 cases failed") != std::string::npos);
  CHECK(nlohmann::json::parse(json.out).size() == 40);

  write_file(folder.file("names.txt"), "night\nday\n");
  const Outcome named =
      run("predict", with(weights, {"--class-names", folder.file("names.txt"), data + "/val/dark/0.png"}));
  CHECK((named.out.find("night") != std::string::npos && named.out.find("day") != std::string::npos));
  write_file(folder.file("names.txt"), "night\n");
  const Outcome few =
      run("predict", with(weights, {"--class-names", folder.file("names.txt"), data + "/val/dark/0.png"}));
  CHECK(few.code == 1);
  CHECK(few.err.find("holds 1 names, but the network has 2 classes") != std::string::npos);
  CHECK(run("predict", with(weights, {"-"})).code == 2);  // standard input is empty
}

TEST_CASE(
    "predict: the size of the batches changes neither the order nor what is said, bad pictures or not") {
  const TempFolder folder;
  make_pictures(folder.file("d"), 6, 1);
  const std::string weights = random_weights(folder, 10);
  write_file(folder.file("d/train/dark/3.png"), "no picture");
  write_file(folder.file("d/train/light/5.png"), "no picture");
  const auto ask = [&](const std::string& batch_size, const std::string& workers) {
    const Outcome outcome =
        run("predict", {"--weights", weights, "--model", "resnet20", "--input-size", "16", "--format", "json",
                        "-b", batch_size, "-j", workers, folder.file("d/train")});
    CHECK(outcome.code == 1);
    CHECK(outcome.err.find("2 of 12 cases failed") != std::string::npos);
    return nlohmann::json::parse(outcome.out);
  };
  const auto alone = ask("1", "0");
  REQUIRE(alone.size() == 10);
  for (const char* size : {"5", "12", "100"}) {
    const auto together = ask(size, "3");
    REQUIRE(together.size() == 10);
    for (std::size_t i = 0; i < 10; ++i) {
      CHECK(together[i]["image"] == alone[i]["image"]);
      CHECK(together[i]["label"] == alone[i]["label"]);
      // The sums in f32 may be taken in another order.
      CHECK(together[i]["probability"].get<double>() ==
            doctest::Approx(alone[i]["probability"].get<double>()).epsilon(1e-4));
    }
  }
}

TEST_CASE("predict --tta flips: the mean of the probabilities of a picture and of its mirror image") {
  const TempFolder folder;
  make_pictures(folder.file("d"), 3, 1);
  const std::string weights = random_weights(folder, 10), picture = folder.file("d/train/light/1.png"),
                    mirrored = folder.file("mirrored.png");
  write_png(mirrored, mirror_image(read_image(picture, 3)));
  const auto ask = [&](const std::vector<std::string>& more) {
    const Outcome outcome = run("predict", with({"--weights", weights, "--model", "resnet20", "--input-size",
                                                 "16", "--topk", "10", "--format", "json"},
                                                more));
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    std::map<std::string, double> probability;
    const auto said = nlohmann::json::parse(outcome.out);
    for (const auto& entry : said[0]["topk"]) probability[entry[0]] = entry[1];
    return probability;
  };
  const auto plain = ask({picture}), other = ask({mirrored}), both = ask({picture, "--tta", "flips"});
  REQUIRE(both.size() == 10);
  CHECK(plain != other);
  for (const auto& [name, p] : both) CHECK(p == (plain.at(name) + other.at(name)) / 2);
  CHECK(ask({mirrored, "--tta", "flips"}) == both);
  for (const char* option : {"--logits", "--output-features=f.npy"})
    CHECK(run("predict", {"--weights", weights, "--model", "resnet20", "--tta", "flips", option, picture})
              .code == 2);

  // evaluate says the same of the same pictures.
  fs::create_directories(folder.file("e"));
  for (int c = 0; c < 10; ++c) {
    const std::string place = folder.file("e/") + std::to_string(c);
    fs::create_directories(place);
    fs::copy_file(c == 4 ? picture : mirrored, place + "/x.png");
  }
  const Outcome outcome =
      run("evaluate", {"--weights", weights, "--model", "resnet20", "--input-size", "16", "--data",
                       folder.file("e"), "--split", "all", "--tta", "flips", "--json"});
  CAPTURE(outcome.err);
  REQUIRE(outcome.code == 0);
  double loss = 0;
  for (const auto& [name, p] : both) loss -= std::log(p) / 10;
  CHECK(nlohmann::json::parse(outcome.out)["loss"].get<double>() == doctest::Approx(loss).epsilon(1e-5));
}

TEST_CASE("predict --output-features: what goes into the head, stage after stage by hand") {
  const TempFolder folder;
  make_pictures(folder.file("d"), 2, 1);
  const std::string weights = random_weights(folder, 10);
  write_file(folder.file("d/train/dark/1.png"), "no picture");
  const Outcome outcome = run(
      "predict", {"--weights", weights, "--model", "resnet20", "--input-size", "16", "--logits", "--format",
                  "json", "--output-features", folder.file("f.safetensors"), folder.file("d/train")});
  CHECK(outcome.code == 1);  // of the bad picture
  const auto said = nlohmann::json::parse(outcome.out);
  const SafetensorsFile file = read_safetensors(folder.file("f.safetensors"));
  const Tensor& features = *file.tensors.find("features");
  REQUIRE(said.size() == 3);
  REQUIRE(features.shape() == Shape{3, 64});
  const std::vector<float> rows = to_contiguous(features);
  const auto names = nlohmann::json::parse(file.metadata.at("images"));

  ModelOptions options;
  options.model = "resnet20";
  options.input_size = 16;
  Session session = load_model(weights, options);
  const ImageInput input(*session.backend, session.description.preprocess, session.activations);
  const std::vector<float> w = to_contiguous(session.network->head().weight.value);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(names[i] == said[i]["image"]);
    const Tensor pixels = Tensor::empty_host({1, 3, 16, 16}, DType::u8);
    transform_eval(read_image(names[i], 3), session.description.preprocess, pixels.as<std::uint8_t>());
    Variable x = input(pixels, {});
    const auto& stages = session.network->stages();
    for (std::size_t s = 0; s + 1 < stages.size(); ++s) x = stages[s].function(x, Mode::eval());
    const std::vector<float> expected = host_rows(x);
    REQUIRE(expected.size() == 64);
    double logit = 0;
    for (std::size_t f = 0; f < 64; ++f) {
      // Stages alone are not folded and fused as in a pass: other roundings.
      CHECK(rows[i * 64 + f] == doctest::Approx(expected[f]).epsilon(1e-4));
      logit += static_cast<double>(rows[i * 64 + f]) * w[f];
    }
    CHECK(said[i]["logits"][0].get<double>() - logit ==
          doctest::Approx(to_contiguous(session.network->head().bias.value)[0]).epsilon(1e-4));
  }
}

TEST_CASE("predict: a file of 1000 classes without names has ImageNet's; names with commas stay one field") {
  const TempFolder folder;
  make_pictures(folder.file("d"), 1, 1);
  const std::string weights = random_weights(folder, 1000);
  const std::vector<std::string> command{"--weights", weights,  "--model",
                                         "resnet20",  "--topk", "1000",
                                         "--format",  "csv",    folder.file("d/val/dark/0.png")};
  const Outcome outcome = run("predict", command);
  CAPTURE(outcome.err);
  REQUIRE(outcome.code == 0);
  CHECK(outcome.err.find("ImageNet") != std::string::npos);
  CHECK(outcome.out.find(",great white shark,") != std::string::npos);

  std::string names;
  for (int i = 0; i < 1000; ++i) names += "class " + std::to_string(i) + ", so \"called\"\n";
  write_file(folder.file("names.txt"), names);
  const Outcome named = run("predict", with(command, {"--class-names", folder.file("names.txt")}));
  REQUIRE(named.code == 0);
  CHECK(named.err.find("ImageNet") == std::string::npos);
  CHECK(named.out.find(",\"class 7, so \"\"called\"\"\",") != std::string::npos);
}

TEST_CASE("picture names: files as given, folders below, lines") {
  const TempFolder folder;
  make_pictures(folder.file("d"), 1, 1);
  write_file(folder.file("d/notes.txt"), "x");
  std::istringstream lines("a b.png\n\nc.png\n");
  const std::vector<std::string> names = picture_names({"x.png", folder.file("d"), "-"}, lines);
  REQUIRE(names.size() == 7);
  CHECK(names[0] == "x.png");
  CHECK(names[1] == folder.file("d/train/dark/0.png"));
  CHECK(names[5] == "a b.png");
  CHECK(names[6] == "c.png");
}

TEST_CASE("picture names: patterns are expanded, a file's own name is none, and no match is an error") {
  const TempFolder folder;
  make_pictures(folder.file("d"), 3, 1);
  write_file(folder.file("[a]*.png"), "x");
  std::istringstream none;
  const auto names = [&](const std::string& pattern) { return picture_names({folder.file(pattern)}, none); };
  CHECK(names("d/train/dark/?.png").size() == 3);
  CHECK(names("d/train/dark/[02].png") ==
        std::vector<std::string>{folder.file("d/train/dark/0.png"), folder.file("d/train/dark/2.png")});
  CHECK(names("d/*/light") ==
        std::vector<std::string>{folder.file("d/train/light/0.png"), folder.file("d/train/light/1.png"),
                                 folder.file("d/train/light/2.png"), folder.file("d/val/light/0.png")});
  CHECK(names("[a]*.png") == std::vector<std::string>{folder.file("[a]*.png")});
  CHECK_THROWS_WITH_AS(names("d/*.jpg"), doctest::Contains("d/*.jpg: matches no file"), Error);
}

TEST_CASE("a file that does not name its network is recognised") {
  const TempFolder folder;
  const std::string data = folder.file("data"), output = folder.file("out"), pth = folder.file("w.pth");
  make_pictures(data, 3, 2);
  REQUIRE(run("train", with(quick_training(data, output), {"--stop-after", "1"})).code == 0);
  REQUIRE(run("convert", {output + "/last.safetensors", pth}).code == 0);
  const std::string picture = data + "/val/dark/0.png";
  CHECK(run("predict", {"--weights", pth, picture}).err.find("it fits resnet20: give --model resnet20") !=
        std::string::npos);
  const Outcome wrong = run("predict", {"--weights", pth, "--model", "resnet32", picture});
  CHECK(wrong.err.find("it fits resnet20: give --model resnet20") != std::string::npos);
  CHECK(wrong.err.size() < 800);
  const Outcome state = run("inspect", {output + "/train_state.safetensors"});
  CHECK(state.err.find("is the state of a training run, not weights") != std::string::npos);
}

}  // namespace
}  // namespace thaw::testing
