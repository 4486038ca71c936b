// Data of others that tests may use: never part of the project, named by THAW_DATA or found beside it.
#pragma once

#include <cstdlib>
#include <filesystem>

namespace thaw::test {

inline std::filesystem::path data_directory() {
  const char* given = std::getenv("THAW_DATA");
  return given != nullptr ? std::filesystem::path(given)
                          : std::filesystem::path(THAW_SOURCE_DIR) / ".." / "shared" / "data";
}

}  // namespace thaw::test
