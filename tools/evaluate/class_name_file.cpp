#include "tools/evaluate/class_name_file.h"

#include <fmt/format.h>

#include <cstdint>
#include <sstream>
#include <string_view>

#include "io/file/bytes.h"
#include "io/file/text.h"
#include "kernels/error.h"

namespace thaw {

std::vector<std::string> read_class_names(const std::string& file, std::size_t classes) {
  constexpr std::uint64_t limit = std::uint64_t{4} << 20;
  const FileBytes bytes(file, limit);
  std::string_view text = as_text(bytes.bytes());
  const bool utf16 = text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff");
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  std::istringstream lines{std::string(text)};
  std::vector<std::string> names;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    names.push_back(line);
    const auto bad_line = [&](const std::string& why) {
      return Error(fmt::format("{}: line {} {}", printable(file, 100), names.size(), why));
    };
    if (line.empty()) throw bad_line("is empty; give the name of one class a line");
    if (!valid_utf8(line))
      throw bad_line(
          fmt::format("is not UTF-8; convert the file, for instance with iconv -f {} -t UTF-8 FILE > NEW",
                      utf16 ? "UTF-16" : "LATIN1"));
  }
  if (names.size() != classes)
    throw Error(fmt::format("{}: holds {} names, but the network has {} classes; give one a line",
                            printable(file, 100), names.size(), classes));
  return names;
}

}  // namespace thaw
