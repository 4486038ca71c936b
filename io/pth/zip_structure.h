// The headers of a zip container: end records, central directory, local headers. Part of io/pth/zip_reader.h.
// Source: APPNOTE.TXT 6.3.9, sections 4.3 and 4.5.
#pragma once

#include "io/pth/zip_reader.h"

namespace thaw {

struct ZipDirectory {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t entries = 0;
};

// Finds the one end record (and its zip64 fellow) and checks that it ends the file and that the directory
// ends at it.
ZipDirectory find_zip_directory(std::span<const std::byte> bytes, const std::string& file);

// Parses the central directory. Names are checked: UTF-8, relative, no "..", no duplicates left to the
// caller.
std::vector<ZipEntry> read_zip_directory(std::span<const std::byte> bytes, const ZipDirectory& directory,
                                         const std::string& file);

// Compares every local header with its central entry, fills ZipEntry::data and checks that the extents tile
// [0, directory.offset) without gap or overlap.
void check_zip_extents(std::span<const std::byte> bytes, const ZipDirectory& directory,
                       std::vector<ZipEntry>& entries, const std::string& file);

}  // namespace thaw
