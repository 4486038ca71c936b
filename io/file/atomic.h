// Files that are there whole or not at all.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace thaw {

// Writes the pieces one after another to a new file beside `path`, syncs it to disk, renames it over `path`
// and syncs the folder. Throws Error and leaves an older `path` as it was when any step fails; the new file
// is then removed.
void write_file_atomically(const std::string& path, std::span<const std::string_view> pieces);
void write_file_atomically(const std::string& path, std::string_view content);

}  // namespace thaw
