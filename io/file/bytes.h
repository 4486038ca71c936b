// A whole file in memory, read with bounds. Nothing is mapped: a file that shrinks while it is read is an
// Error, no SIGBUS.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace thaw {

class FileBytes {
 public:
  // Throws Error when `path` is not there, not readable, no regular file, empty or larger than `limit` bytes.
  FileBytes(const std::string& path, std::uint64_t limit);

  std::span<const std::byte> bytes() const { return {data_.get(), size_}; }

 private:
  std::unique_ptr<std::byte[]> data_;
  std::size_t size_ = 0;
};

}  // namespace thaw
