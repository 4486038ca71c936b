// Files of weights whose numbers their tensors do not show: every program refuses them, before it takes
// memory for them.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "io/weights/checkpoint.h"
#include "io/weights/safetensors.h"
#include "io/weights/weights.h"
#include "tests/tools/programs.h"

namespace thaw::testing {
namespace {

// The programs' libraries alone take about 220 MB.
constexpr long most_kilobytes = 450'000;

struct Measured {
  int code = -1;
  long peak_kilobytes = 0;
  std::string err;
};

// Runs build/tools/NAME. A program that asks for 16 GB of addresses gets none. The peak of a process counts
// what its parent held when it was forked, so a small shell starts it and leaves it to this process: it
// begins when the shell has ended, for a shell may reap a child that has ended before.
Measured run_measured(const std::string& name, const std::vector<std::string>& arguments) {
  const TempFolder folder;
  const std::string path = program(name), err = folder.file("err"), number = folder.file("number");
  const char* start =
      "e=$1 n=$2; shift 2; { read -r shell_ended <&3; exec \"$@\" 3<&- >/dev/null 2>\"$e\"; } & echo $! "
      ">\"$n\"";
  std::vector<const char*> argv{"sh", "-c", start, "sh", err.c_str(), number.c_str(), path.c_str()};
  for (const std::string& a : arguments) argv.push_back(a.c_str());
  argv.push_back(nullptr);
  REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  int gate[2];
  REQUIRE(pipe2(gate, O_CLOEXEC) == 0);
  const pid_t shell = fork();
  if (shell == 0) {
    if (gate[0] == 3)
      fcntl(3, F_SETFD, 0);  // dup2 would leave it to be closed
    else
      dup2(gate[0], 3);
    const rlimit addresses{rlim_t{16} << 30, rlim_t{16} << 30};
    setrlimit(RLIMIT_AS, &addresses);
    execv("/bin/sh", const_cast<char**>(argv.data()));
    _exit(127);
  }
  REQUIRE(shell > 0);
  int status = 0;
  REQUIRE(waitpid(shell, &status, 0) == shell);
  close(gate[0]);
  close(gate[1]);
  const pid_t child = std::stoi(read_file(number));
  rusage usage{};
  REQUIRE(wait4(child, &status, 0, &usage) == child);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, usage.ru_maxrss, read_file(err)};
}

// Every program that takes weights.
void check_all_refuse(const std::string& weights, const std::string& model, const TempFolder& folder,
                      const std::string& reason, bool inspected = true) {
  const std::string data = folder.file("data"), out = folder.file("out");
  std::vector<std::string> named{"--weights", weights};
  if (!model.empty()) named = with(named, {"--model", model});
  std::vector<std::pair<std::string, std::vector<std::string>>> programs{
      {"predict", with(named, {"--device", "cpu", data + "/val/dark/0.png"})},
      {"evaluate", with(named, {"--device", "cpu", "--data", data})},
      {"train", with(named, {"--device", "cpu", "--data", data, "--output", out})},
      {"compare", with(named, {"--device", "cpu", "--data", data, "--output", out, "--plans", "0"})},
      {"convert", {weights, folder.file("out.safetensors"), "--model", model.empty() ? "resnet20" : model}}};
  if (inspected) programs.push_back({"inspect", {weights}});
  for (const auto& [name, arguments] : programs) {
    CAPTURE(name);
    const Measured m = run_measured(name, arguments);
    CAPTURE(m.err);
    CHECK(m.code == 1);
    CHECK(m.err.find("error: " + weights) != std::string::npos);
    CHECK(m.err.find(reason) != std::string::npos);
    CHECK(m.peak_kilobytes < most_kilobytes);
    CHECK_FALSE(fs::exists(out));
    CHECK_FALSE(fs::exists(folder.file("out.safetensors")));
  }
}

TEST_CASE("weights: classes and widths of tensors without elements cost nothing") {
  const TempFolder folder;
  make_pictures(folder.file("data"), 2, 2);
  const std::string weights = folder.file("w.safetensors");
  StateDict tensors;
  tensors.add("fc.weight", Tensor::empty_host({5'000'000, 0}));
  write_safetensors(weights, tensors);
  check_all_refuse(weights, "resnet18", folder, "no tensor fits resnet18", false);

  StateDict joined;
  joined.add("classifier.0.weight", Tensor::empty_host({0, 900'000'000'000}));
  joined.add("classifier.4.weight", Tensor::empty_host({5'000'000'000, 0}));
  write_safetensors(weights, joined);
  check_all_refuse(weights, "scratch_cnn", folder, "", false);
}

TEST_CASE("checkpoints: a description says only what the tensors of its file show") {
  const TempFolder folder;
  make_pictures(folder.file("data"), 2, 2);
  REQUIRE(run("train", with(quick_training(folder.file("data"), folder.file("base")), {"--stop-after", "1"}))
              .code == 0);
  const LoadedWeights good = read_weights(folder.file("base") + "/last.safetensors");
  const std::string weights = folder.file("w.safetensors");
  const auto lie = [&](const std::function<void(nlohmann::json&)>& change) {
    auto json = nlohmann::json::parse(good.metadata);
    change(json);
    write_checkpoint(weights, good.tensors, json.dump());
  };
  for (const std::int64_t number : {std::int64_t{3}, std::int64_t{20'000'000}, std::int64_t{1} << 62}) {
    CAPTURE(number);
    lie([&](auto& json) { json["options"]["num_classes"] = number; });
    check_all_refuse(weights, "", folder, "");
  }
  for (const std::int64_t number : {std::int64_t{1}, std::int64_t{1'000'000'000}, std::int64_t{1} << 61}) {
    CAPTURE(number);
    lie([&](auto& json) { json["options"]["in_channels"] = number; });
    check_all_refuse(weights, "", folder, "");
  }
  lie([&](auto& json) {
    json["views"] = 1'000'000'000'000;
    json["features"] = nlohmann::json::array();
  });
  check_all_refuse(weights, "", folder, "");
  lie([&](auto& json) { json["model"] = "densenet_bc_9994_9999"; });
  const Measured grown = run_measured("inspect", {weights});
  CHECK(grown.code == 1);
  CHECK(grown.err.find("growth up to 100") != std::string::npos);
  CHECK(grown.peak_kilobytes < most_kilobytes);

  const std::string reason = "JSON text";
  write_checkpoint(weights, good.tensors, std::string(20'000'000, '['));
  check_all_refuse(weights, "", folder, reason);
  write_checkpoint(weights, good.tensors, std::string(20, '['));
  check_all_refuse(weights, "", folder, reason);
}

}  // namespace
}  // namespace thaw::testing
