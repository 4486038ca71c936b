// The file of cuDNN's engines that were chosen: what it is read for, what it survives, where it lies.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "tests/simt/engines.h"

namespace thaw::simt_test {
namespace {

TEST_CASE("a later run reads the choice and times nothing") {
  const File file;
  const Offer offer({{.number = 1, .milliseconds = 5}, {.number = 2, .milliseconds = 1}});
  CHECK(engines_of<float>({}, file.open()).size() == 9);
  CHECK(engines_of<float>({}, file.open()) == Integers{2});
  // What the file does not have is timed, and beside it: another geometry, another precision.
  CHECK(engines_of<float>({}, file.open(), 5).size() == 9);
  CHECK(engines_of<bf16>({}, file.open()).size() == 9);
  CHECK(engines_of<float>({.tf32 = true}, file.open()).size() == 9);
  const std::string lines = file.text();
  CHECK(std::count(lines.begin(), lines.end(), '\n') == 4);
  // Off: neither read nor written.
  CHECK(engines_of<float>(first_proposal, file.open()) == Integers{1});
  // It decides even where it is not the fastest one any more: equal runs take equal engines.
  ::simt::cudnn::set_engines({{.number = 1, .milliseconds = 1}, {.number = 2, .milliseconds = 5}});
  CHECK(engines_of<float>({}, file.open()) == Integers{2});
}

TEST_CASE("choices of another device or cuDNN, and engines that are not proposed, count for nothing") {
  const File file;
  const Offer offer({{.number = 1, .milliseconds = 5}, {.number = 2, .milliseconds = 1}});
  engines_of<float>({}, file.open("emulator, cuDNN 9"));
  CHECK(engines_of<float>({}, file.open("emulator, cuDNN 9.1")).size() == 9);
  CHECK(engines_of<float>({}, file.open("emulator, cuDNN")).size() == 9);
  ::simt::cudnn::set_engines(
      {{.number = 2, .notes = {nondeterministic}}, {.number = 3, .milliseconds = 5}, {.number = 4}});
  CHECK(last_of(engines_of<float>({}, file.open())) == 4);
  CHECK(engines_of<float>({}, file.open()) == Integers{4});  // of two lines the last one counts
}

TEST_CASE("a damaged file is timed anew and mended") {
  const Offer offer({{.number = 1, .milliseconds = 5}, {.number = 2, .milliseconds = 1}});
  const File intact;
  engines_of<float>({}, intact.open());
  const std::string line = intact.text();
  const std::string cut = line.substr(0, line.size() - 6);
  for (const std::string& damaged :
       {std::string(), cut, std::string("\n\t\n\t\t\n"), std::string(4096, '\xFF'), line.substr(9),
        std::string("emulator, cuDNN 9\n")}) {
    const File file;
    file.write(damaged);
    CHECK(engines_of<float>({}, file.open()).size() == 9);
    engines_of<float>({}, file.open());
    CHECK(engines_of<float>({}, file.open()) == Integers{2});
  }
}

TEST_CASE("a file that cannot be written or read is no error") {
  const File file;
  const Offer offer({{.number = 1, .milliseconds = 5}, {.number = 2, .milliseconds = 1}});
  fs::create_directories(file.path());  // a folder in its place
  CHECK(engines_of<float>({}, file.open()).size() == 9);
  CHECK(last_of(engines_of<float>({}, cuda::PlanFile("/dev/null/plans.tsv", "emulator"))) == 2);
  CHECK(last_of(engines_of<float>({}, cuda::PlanFile("", "emulator"))) == 2);
}

TEST_CASE("choices that are kept at once do not mix") {
  const File file;
  std::vector<pid_t> children;
  for (int child = 0; child < 4; ++child) {
    const pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      cuda::PlanFile mine = file.open();
      for (int i = 0; i < 200; ++i) mine.keep(std::to_string(child * 1000 + i), std::string(60, 'e'));
      _exit(0);
    }
    children.push_back(pid);
  }
  for (const pid_t pid : children) waitpid(pid, nullptr, 0);
  const cuda::PlanFile all = file.open();
  for (int child = 0; child < 4; ++child)
    for (int i = 0; i < 200; ++i) CHECK(all.find(std::to_string(child * 1000 + i)) == std::string(60, 'e'));
}

TEST_CASE("where the choices lie: XDG_CACHE_HOME, else HOME") {
  const auto with = [](const char* cache_value, const char* home_value) {
    const Variable cache("XDG_CACHE_HOME", cache_value), home("HOME", home_value);
    return cuda::default_plan_file();
  };
  CHECK(with("/c", "/h") == "/c/thaw/cudnn_plans.tsv");
  CHECK(with("relative", "/h") == "/h/.cache/thaw/cudnn_plans.tsv");
  CHECK(with(nullptr, "/h") == "/h/.cache/thaw/cudnn_plans.tsv");
  CHECK(with("", nullptr) == "");
}

}  // namespace
}  // namespace thaw::simt_test
