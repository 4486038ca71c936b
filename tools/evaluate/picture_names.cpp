#include "tools/evaluate/picture_names.h"

#include <algorithm>
#include <filesystem>

#include "io/file/text.h"
#include "io/picture/formats.h"
#include "kernels/error.h"

namespace thaw {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> pictures_below(const std::string& folder) {
  std::vector<std::string> found;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const bool hidden = name.starts_with('.');
    if (hidden && entry->is_directory(error)) entry.disable_recursion_pending();
    if (!hidden && entry->is_regular_file(error) && image_detail::format_of_name(name) != nullptr)
      found.push_back(entry->path().string());
  }
  if (error) throw Error(printable(folder) + ": cannot be read: " + error.message());
  if (found.empty())
    throw Error(printable(folder) + ": holds no pictures (" + image_detail::picture_extensions() + ")");
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

std::vector<std::string> picture_names(const std::vector<std::string>& given, std::istream& lines) {
  std::vector<std::string> names;
  for (const std::string& name : given) {
    std::error_code error;
    if (name == "-") {
      for (std::string line; std::getline(lines, line);)
        if (!line.empty()) names.push_back(line);
    } else if (fs::is_directory(name, error)) {
      const std::vector<std::string> below = pictures_below(name);
      names.insert(names.end(), below.begin(), below.end());
    } else {
      names.push_back(name);
    }
  }
  return names;
}

}  // namespace thaw
