// docs/read_the_code.md quotes the sources that it names.
#include <regex>
#include <sstream>

#include "tests/tools/programs.h"

namespace thaw::testing {
namespace {

const std::string root = THAW_SOURCE_DIR;

// Without spaces and line ends, so that the formatter may break a line elsewhere.
std::string packed(const std::string& text) {
  std::string result;
  for (const char c : text)
    if (std::isspace(static_cast<unsigned char>(c)) == 0) result += c;
  return result;
}

TEST_CASE("docs/read_the_code.md: 12 stops, and what each quotes stands in the files that it names") {
  std::istringstream page(read_file(root + "/docs/read_the_code.md"));
  const std::regex file_name("`([a-z_0-9/]+\\.(?:h|cpp|cu))`");
  std::string sources, quote;
  int stops = 0, quotes = 0;
  bool quoting = false;
  const auto check_quote = [&] {
    const std::string wanted = packed(quote);
    quote.clear();
    if (wanted.empty()) return;
    ++quotes;
    CAPTURE(wanted);
    CHECK(sources.find(wanted) != std::string::npos);
  };
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("## ")) {
      ++stops;
      sources.clear();
    } else if (line.starts_with("```")) {
      if (quoting) check_quote();
      quoting = !quoting;
    } else if (quoting && line.find("// ...") != std::string::npos) {
      check_quote();
    } else if (quoting) {
      quote += line + "\n";
    } else {
      for (std::sregex_iterator m(line.begin(), line.end(), file_name), end; m != end; ++m) {
        CAPTURE(m->str());
        REQUIRE(fs::exists(root + "/" + m->str(1)));
        sources += packed(read_file(root + "/" + m->str(1)));
      }
    }
  }
  CHECK(stops == 12);
  CHECK(quotes >= stops);
}

}  // namespace
}  // namespace thaw::testing
