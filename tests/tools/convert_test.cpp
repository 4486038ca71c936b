// convert, run as a user runs it: what stays, what is left out, what is not overwritten.
#include "io/weights/safetensors.h"
#include "models/registry.h"
#include "models/weights/initialize.h"
#include "tests/tools/programs.h"
#include "tools/network/session.h"

namespace thaw::testing {
namespace {

// A file as train writes it.
std::string described_weights(const TempFolder& folder) {
  Session session;
  session.network = make_network("resnet20", {.num_classes = 2});
  initialize(*session.network, 5);
  session.description.model = "resnet20";
  session.description.options.num_classes = 2;
  session.description.classes = {"cat", "dog"};
  session.description.preprocess = default_preprocess(*session.network);
  save_model(session, folder.file("w.safetensors"));
  return folder.file("w.safetensors");
}

TEST_CASE("convert says what OUT has no place for") {
  const TempFolder folder;
  const std::string weights = described_weights(folder);
  const auto left_out = [&](const std::vector<std::string>& arguments) {
    const Outcome outcome = run("convert", with({weights}, arguments));
    CAPTURE(outcome.err);
    CHECK(outcome.code == 0);
    return outcome.err.find("without the network's name, its class names") != std::string::npos;
  };
  CHECK(left_out({folder.file("a.pth")}));
  CHECK(left_out({folder.file("b.pth"), "--model", "resnet20"}));
  CHECK(left_out({folder.file("c.safetensors"), "--rename", "linear=>fc"}));
  CHECK_FALSE(left_out({folder.file("d.safetensors")}));
  CHECK_FALSE(left_out({folder.file("e.safetensors"), "--rename", "linear=>linear", "--model", "resnet20"}));
  CHECK(class_names(load_model(folder.file("e.safetensors")).description) ==
        std::vector<std::string>{"cat", "dog"});
  const Outcome plain = run("convert", {folder.file("a.pth"), folder.file("f.pth")});
  CHECK(plain.err.find("without") == std::string::npos);  // there was nothing to leave out
}

TEST_CASE("convert replaces a file only with --force") {
  const TempFolder folder;
  const std::string weights = described_weights(folder), out = folder.file("out.safetensors");
  write_file(out, "mine");
  const Outcome refused = run("convert", {weights, out});
  CHECK(refused.code == 1);
  CHECK(refused.out.empty());
  CHECK(refused.err == "error: " + out + ": is there already; give another name, or --force to replace it\n");
  CHECK(read_file(out) == "mine");
  CHECK(run("convert", {weights, out, "--force"}).code == 0);
  CHECK(read_safetensors(out).tensors.size() == read_safetensors(weights).tensors.size());
  CHECK(run("convert", {weights, weights, "--force"}).code == 2);
}

}  // namespace
}  // namespace thaw::testing
