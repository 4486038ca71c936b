// Writes stored zip entries, their content aligned to 64 bytes as PyTorch does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace thaw {

class ZipWriter {
 public:
  void add(const std::string& name, std::string_view content);
  // The whole container. Throws Error beyond 4 GiB or 65535 entries, where zip64 would be needed.
  std::string finish();

 private:
  std::string out_;
  std::string directory_;
  std::uint64_t entries_ = 0;
};

}  // namespace thaw
