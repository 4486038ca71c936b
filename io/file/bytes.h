// A whole file in memory, read with bounds. Nothing is mapped: a file that shrinks while it is read is an
// Error, no SIGBUS.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "io/file/descriptor.h"

namespace thaw {

// A regular file, open for reading from its beginning. A pipe or a device is refused without waiting for it.
class FileReader {
 public:
  // Throws Error when `path` is not there, not readable or no regular file.
  explicit FileReader(const std::string& path);

  std::uint64_t size() const { return size_; }  // when it was opened
  // Fills `to` as far as the file reaches; answers how much that was. Throws Error.
  std::size_t read(std::span<std::byte> to);

 private:
  std::string shown_;
  FileDescriptor file_;
  std::uint64_t size_ = 0;
};

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
