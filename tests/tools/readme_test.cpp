// README.ko.md says in Korean what README.md says: the same commands, names and links.
#include <doctest/doctest.h>

#include <regex>
#include <set>

#include "tests/support/temp_folder.h"

namespace thaw::testing {
namespace {

// Lines of commands without their comments, `names` and links; those to the other language are each page's own.
std::set<std::string> common_parts(const std::string& page) {
  std::set<std::string> parts;
  std::istringstream lines(page);
  std::string prose;
  bool commands = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```")) {
      commands = !commands;
    } else if (commands) {
      const std::string command = line.substr(0, line.find(" #"));
      parts.insert(command.substr(0, command.find_last_not_of(' ') + 1));
    } else {
      prose += line + " ";
    }
  }
  const std::regex part("`[^`]+`|\\]\\([^)]+\\)");
  for (std::sregex_iterator at(prose.begin(), prose.end(), part), end; at != end; ++at)
    if (!at->str().starts_with("](README.")) parts.insert(at->str());
  return parts;
}

TEST_CASE("README.ko.md has the commands, names and links of README.md") {
  const std::string root = THAW_SOURCE_DIR, english = read_file(root + "/README.md"),
                    korean = read_file(root + "/README.ko.md");
  const std::set<std::string> here = common_parts(english), there = common_parts(korean);
  CHECK(here.size() > 50);
  for (const std::string& part : here) CHECK_MESSAGE(there.count(part) == 1, "README.ko.md lacks ", part);
  for (const std::string& part : there) CHECK_MESSAGE(here.count(part) == 1, "README.md lacks ", part);
  CHECK(english.find("(README.ko.md)") < 100);
  CHECK(korean.find("(README.md)") < 100);
}

}  // namespace
}  // namespace thaw::testing
