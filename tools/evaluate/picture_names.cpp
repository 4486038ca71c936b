#include "tools/evaluate/picture_names.h"

#include <glob.h>

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

std::vector<std::string> matches(const std::string& pattern) {
  glob_t found{};
  const int code = ::glob(pattern.c_str(), 0, nullptr, &found);
  std::vector<std::string> names(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  if (code != 0)
    throw Error(printable(pattern) + ": matches no file; give the folder itself to take all of its pictures");
  return names;
}

// A file or a folder.
void add_pictures(const std::string& name, std::vector<std::string>& names) {
  std::error_code error;
  if (!fs::is_directory(name, error)) return names.push_back(name);
  const std::vector<std::string> below = pictures_below(name);
  names.insert(names.end(), below.begin(), below.end());
}

}  // namespace

std::vector<std::string> picture_names(const std::vector<std::string>& given, std::istream& lines) {
  std::vector<std::string> names;
  for (const std::string& name : given) {
    std::error_code error;
    if (name == "-") {
      for (std::string line; std::getline(lines, line);)
        if (!line.empty()) names.push_back(line);
    } else if (name.find_first_of("*?[") != std::string::npos && !fs::exists(name, error)) {
      for (const std::string& match : matches(name)) add_pictures(match, names);
    } else {
      add_pictures(name, names);
    }
  }
  return names;
}

}  // namespace thaw
