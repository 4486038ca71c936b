// A strict reader of zip containers, as the strict side of every disagreement between zip readers: one end
// record, local and central headers that agree, no gaps, no overlaps, nothing before the first entry. Entry
// names are only map keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/file/read_options.h"

namespace thaw {

struct ZipEntry {
  std::string name;
  std::uint16_t flags = 0;
  std::uint16_t method = 0;  // 0 stored, 8 DEFLATE
  std::uint32_t crc = 0;     // 0 with content: not computed (PyTorch writes such files)
  std::uint64_t compressed = 0;
  std::uint64_t size = 0;
  std::uint64_t header = 0;  // offset of the local header
  std::uint64_t data = 0;    // offset of the content
};

class ZipReader {
 public:
  // Checks the whole structure; `bytes` must outlive the reader, `name` stands for the file in messages.
  ZipReader(std::span<const std::byte> bytes, std::string name, const ReadLimits& limits);

  const std::vector<ZipEntry>& entries() const { return entries_; }
  const ZipEntry* find(std::string_view name) const;  // null: not there

  // The content, inflated if need be, its CRC checked. The span lives as long as the reader.
  std::span<const std::byte> read(const ZipEntry& entry);
  std::size_t unchecked() const { return unchecked_; }  // entries read so far that carry no CRC

 private:
  std::span<const std::byte> bytes_;
  std::string name_;
  std::vector<ZipEntry> entries_;
  std::map<std::string_view, std::size_t> index_;
  std::vector<std::unique_ptr<std::byte[]>> inflated_;
  std::uint64_t inflate_budget_;  // bytes that may still be unpacked
  std::size_t unchecked_ = 0;
};

}  // namespace thaw
