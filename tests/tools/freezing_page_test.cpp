// docs/freezing.md shows what freezing_figures prints.
#include <sstream>

#include "tests/tools/programs.h"

namespace thaw::testing {
namespace {

TEST_CASE("docs/freezing.md: its counted tables are those that the command prints") {
  const TempFolder folder;
  const std::string command = std::string(THAW_BINARY_DIR) + "/docs/freezing/freezing_figures";
  REQUIRE(std::system(("'" + command + "' >'" + folder.file("out") + "'").c_str()) == 0);
  const std::string page = read_file(std::string(THAW_SOURCE_DIR) + "/docs/freezing.md");
  std::istringstream printed(read_file(folder.file("out")));
  int lines = 0;
  for (std::string line; std::getline(printed, line); ++lines) {
    CAPTURE(line);
    CHECK(page.find(line + "\n") != std::string::npos);
  }
  CHECK(lines > 60);
}

}  // namespace
}  // namespace thaw::testing
