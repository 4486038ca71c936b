// Programs whose standard output cannot be written fail and say so.
#include "tests/tools/programs.h"

namespace thaw::testing {
namespace {

TEST_CASE("standard output that takes nothing is an error of every program") {
  if (!fs::exists("/dev/full")) {
    MESSAGE("not run: there is no /dev/full");
    return;
  }
  const TempFolder folder;
  const auto check = [&](const std::string& name, const std::string& arguments) {
    const std::string command =
        "'" + program(name) + "' " + arguments + " >/dev/full 2>'" + folder.file("err") + "'";
    CAPTURE(command);
    const int status = std::system(command.c_str());
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 1));
    const std::string said = read_file(folder.file("err"));
    CHECK(said.find("cannot write to standard output") != std::string::npos);
  };
  for (const char* name :
       {"thaw", "train", "evaluate", "predict", "convert", "inspect", "compare", "bench", "make_shapes"})
    for (const char* option : {"--help", "--version", "--print-man"}) check(name, option);
  check("inspect", "--model resnet20");            // more than stdio keeps
  check("inspect", "--model scratch_cnn --json");  // less
}

}  // namespace
}  // namespace thaw::testing
