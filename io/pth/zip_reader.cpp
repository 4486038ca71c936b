#include "io/pth/zip_reader.h"

#include <zlib.h>

#include <algorithm>

#include "io/file/text.h"
#include "io/pth/zip_structure.h"
#include "kernels/error.h"

namespace thaw {
namespace {

// zlib counts in uInt: content beyond 4 GiB goes in pieces.
constexpr std::size_t piece = std::size_t{1} << 30;

std::uint32_t crc_of(std::span<const std::byte> bytes) {
  uLong crc = ::crc32(0, nullptr, 0);
  while (!bytes.empty()) {
    const std::size_t size = std::min(bytes.size(), piece);
    crc = ::crc32(crc, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(size));
    bytes = bytes.subspan(size);
  }
  return static_cast<std::uint32_t>(crc);
}

// Inflates `from` into exactly `to`; false when the stream is broken, shorter or longer.
bool inflate_exactly(std::span<const std::byte> from, std::span<std::byte> to) {
  if (from.size() > piece || to.size() > piece) return false;
  z_stream stream = {};
  if (::inflateInit2(&stream, -MAX_WBITS) != Z_OK) return false;
  // zlib wants a place to write even for no output.
  Bytef nothing = 0;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(from.data()));
  stream.avail_in = static_cast<uInt>(from.size());
  stream.next_out = to.empty() ? &nothing : reinterpret_cast<Bytef*>(to.data());
  stream.avail_out = static_cast<uInt>(to.size());
  const int result = ::inflate(&stream, Z_FINISH);
  const bool whole = result == Z_STREAM_END && stream.avail_in == 0 && stream.avail_out == 0;
  ::inflateEnd(&stream);
  return whole;
}

}  // namespace

ZipReader::ZipReader(std::span<const std::byte> bytes, std::string name, const ReadLimits& limits)
    : bytes_(bytes), name_(std::move(name)), inflate_budget_(limits.tensor_bytes) {
  const ZipDirectory directory = find_zip_directory(bytes, name_);
  if (directory.entries > limits.zip_entries || directory.size > limits.zip_directory_bytes)
    throw Error(name_ + ": the zip directory has " + std::to_string(directory.entries) + " entries in " +
                std::to_string(directory.size) +
                " bytes, over the limits zip_entries = " + std::to_string(limits.zip_entries) +
                " and zip_directory_bytes = " + std::to_string(limits.zip_directory_bytes));
  entries_ = read_zip_directory(bytes, directory, name_);
  for (std::size_t i = 0; i < entries_.size(); ++i)
    if (!index_.emplace(entries_[i].name, i).second)
      throw Error(name_ + ": broken zip container: two entries named '" + printable(entries_[i].name) + "'");
  check_zip_extents(bytes, directory, entries_, name_);
}

const ZipEntry* ZipReader::find(std::string_view name) const {
  const auto it = index_.find(name);
  return it == index_.end() ? nullptr : &entries_[it->second];
}

std::span<const std::byte> ZipReader::read(const ZipEntry& entry) {
  std::span<const std::byte> content = bytes_.subspan(entry.data, entry.compressed);
  if (entry.method != 0) {
    if (entry.size > inflate_budget_)
      throw Error(name_ + ": the zip entries unpack to more bytes than the limit tensor_bytes allows");
    inflate_budget_ -= entry.size;
    inflated_.push_back(std::make_unique_for_overwrite<std::byte[]>(entry.size));
    const std::span<std::byte> out(inflated_.back().get(), entry.size);
    if (!inflate_exactly(content, out))
      throw Error(name_ + ": zip entry '" + printable(entry.name) + "' does not unpack to its " +
                  std::to_string(entry.size) + " bytes; download or save the file again");
    content = out;
  }
  if (entry.crc == 0 && !content.empty()) {
    ++unchecked_;
  } else if (crc_of(content) != entry.crc) {
    throw Error(name_ + ": zip entry '" + printable(entry.name) +
                "' has a wrong checksum (CRC-32); the file is damaged, download or save it again");
  }
  return content;
}

}  // namespace thaw
