#include "io/data/class_folders.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <set>
#include <utility>

#include "io/file/text.h"
#include "io/picture/formats.h"
#include "kernels/error.h"

namespace thaw::dataset_detail {

namespace {

// Device and inode: the identity of a folder, however it was reached.
using FolderId = std::pair<dev_t, ino_t>;

std::vector<std::string> entries_of(const std::string& directory) {
  struct Close {
    void operator()(DIR* stream) const { ::closedir(stream); }
  };
  const std::unique_ptr<DIR, Close> stream(::opendir(directory.c_str()));
  if (!stream) throw Error(printable(directory) + ": cannot read the folder: " + std::strerror(errno));
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool is_hidden(const std::string& name) {
  return name.front() == '.' || name == "__MACOSX";
}

void count_other(const std::string& path, FolderCounts& counts) {
  static const std::set<std::string> unread{".tif",  ".tiff", ".gif", ".webp", ".heic",
                                            ".avif", ".svg",  ".jp2", ".dcm"};
  if (counts.other++ == 0) counts.first_other = path;
  if (const std::string extension = image_detail::extension_of(path); unread.contains(extension))
    ++counts.unread[extension];
}

void walk(const std::string& directory, const std::string& relative, std::set<FolderId>& seen,
          FolderCounts& counts, std::vector<Sample>& samples) {
  for (const std::string& name : entries_of(directory)) {
    if (is_hidden(name)) {
      ++counts.hidden;
      continue;
    }
    const std::string path = directory + "/" + name;
    struct stat status {};
    const bool found = ::stat(path.c_str(), &status) == 0;
    if (found && S_ISDIR(status.st_mode)) {
      if (seen.emplace(status.st_dev, status.st_ino).second)
        walk(path, relative + "/" + name, seen, counts, samples);
    } else if (image_detail::format_of_name(name) != nullptr && (!found || S_ISREG(status.st_mode))) {
      // A dangling link named like a picture stays in the list: it is reported as unreadable, not passed
      // over.
      samples.push_back(
          {path, relative + "/" + name, 0, found ? static_cast<std::uint64_t>(status.st_size) : 0});
    } else {
      count_other(relative + "/" + name, counts);
    }
  }
}

}  // namespace

std::vector<std::string> list_folders(const std::string& directory, FolderCounts& counts) {
  std::vector<std::string> folders;
  for (std::string& name : entries_of(directory)) {
    struct stat status {};
    if (is_hidden(name)) {
      ++counts.hidden;
    } else if (::stat((directory + "/" + name).c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
      folders.push_back(std::move(name));
    } else {
      count_other(name, counts);
    }
  }
  return folders;
}

std::vector<Sample> list_pictures(const std::string& directory, const std::string& relative,
                                  FolderCounts& counts) {
  std::set<FolderId> seen;
  struct stat status {};
  if (::stat(directory.c_str(), &status) == 0) seen.emplace(status.st_dev, status.st_ino);
  std::vector<Sample> samples;
  walk(directory, relative, seen, counts, samples);
  std::sort(samples.begin(), samples.end(),
            [](const Sample& a, const Sample& b) { return a.relative < b.relative; });
  return samples;
}

}  // namespace thaw::dataset_detail
