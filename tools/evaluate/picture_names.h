// The pictures that a command line names.
#pragma once

#include <istream>
#include <string>
#include <vector>

namespace thaw {

// Files as they are given; of a folder, every file below it whose extension is a picture's, sorted, hidden ones left out;
// for "-", the lines of `lines`; for a pattern with *, ? or [...] that is no file's own name, the files and folders that
// match, sorted. Throws Error where a folder cannot be read or holds no picture, or where nothing matches.
std::vector<std::string> picture_names(const std::vector<std::string>& given, std::istream& lines);

}  // namespace thaw
