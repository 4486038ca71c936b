// The walk over one folder of classes, behind scan_class_folders.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "io/data/dataset.h"

namespace thaw::dataset_detail {

struct FolderCounts {
  std::int64_t hidden = 0;  // names that begin with '.', and __MACOSX of Apple's archives
  std::int64_t other = 0;
  std::string first_other{};  // for people
  std::map<std::string, std::int64_t>
      unread{};  // of `other`: pictures of formats that are not read, by extension
};

// Names of the visible sub-folders of `directory`, sorted by bytes. Counts the hidden and the other entries.
// Throws Error where the folder can't be read.
std::vector<std::string> list_folders(const std::string& directory, FolderCounts& counts);

// All pictures below `directory` (by extension), in nested folders too, each folder once; `relative` starts
// every name. Sorted by relative name; labels are 0.
std::vector<Sample> list_pictures(const std::string& directory, const std::string& relative,
                                  FolderCounts& counts);

}  // namespace thaw::dataset_detail
