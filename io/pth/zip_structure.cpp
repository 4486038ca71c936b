#include "io/pth/zip_structure.h"

#include <algorithm>

#include "io/file/checked.h"
#include "io/file/text.h"
#include "kernels/error.h"

namespace thaw {
namespace {

constexpr std::uint32_t local_signature = 0x04034b50;
constexpr std::uint32_t central_signature = 0x02014b50;
constexpr std::uint32_t end_signature = 0x06054b50;
constexpr std::uint32_t end64_signature = 0x06064b50;
constexpr std::uint32_t locator64_signature = 0x07064b50;
constexpr std::uint32_t descriptor_signature = 0x08074b50;
constexpr std::uint32_t sentinel32 = 0xffffffff;
constexpr std::uint16_t sentinel16 = 0xffff;
constexpr std::size_t end_size = 22;
constexpr std::uint16_t has_descriptor = 1u << 3;
constexpr std::uint16_t utf8_names = 1u << 11;

[[noreturn]] void refuse(const std::string& file, const std::string& what) {
  throw Error(file + ": broken zip container: " + what + "; download or save the file again");
}

// A 64-bit value that an end record may also carry in a narrow field.
void settle(std::uint64_t narrow, std::uint64_t sentinel, std::uint64_t wide, const std::string& file) {
  if (narrow != sentinel && narrow != wide) refuse(file, "end record and zip64 end record disagree");
}

std::uint64_t find_end(std::span<const std::byte> bytes, const std::string& file) {
  if (bytes.size() < end_size) refuse(file, "too short for an end record (truncated)");
  const std::size_t lowest = bytes.size() - std::min<std::size_t>(bytes.size(), end_size + sentinel16);
  for (std::size_t at = bytes.size() - end_size + 1; at-- > lowest;) {
    if (load_little<std::uint32_t>(bytes, at) != end_signature) continue;
    if (at + end_size + load_little<std::uint16_t>(bytes, at + 20) != bytes.size())
      refuse(file, "an end record whose comment does not end with the file");
    return at;
  }
  refuse(file, "no end record (truncated)");
}

// The fields of extra block 1 (zip64), in their fixed order, each there only where its 32-bit field is the
// sentinel.
void read_zip64_extra(std::span<const std::byte> extra, std::span<std::uint64_t* const> wanted,
                      const std::string& file) {
  bool found = false;
  while (extra.size() >= 4) {
    const auto id = load_little<std::uint16_t>(extra, 0);
    const std::size_t size = load_little<std::uint16_t>(extra, 2);
    if (size > extra.size() - 4) refuse(file, "an extra field longer than its room");
    if (id == 1) {
      if (found || size != wanted.size() * 8) refuse(file, "a zip64 extra field of the wrong length");
      found = true;
      for (std::size_t i = 0; i < wanted.size(); ++i)
        *wanted[i] = load_little<std::uint64_t>(extra, 4 + 8 * i);
    }
    extra = extra.subspan(4 + size);
  }
  if (!extra.empty()) refuse(file, "a cut extra field");
  if (!found && !wanted.empty()) refuse(file, "a zip64 size without its zip64 field");
}

void check_name(const std::string& name, const std::string& file) {
  const std::string shown = "entry name '" + printable(name) + "' ";
  if (name.empty() || !valid_utf8(name) || name.find('\0') != std::string::npos)
    refuse(file, shown + "is empty, holds a NUL or is not UTF-8");
  if (name[0] == '/' || name.find('\\') != std::string::npos || name.find(':') != std::string::npos)
    refuse(file, shown + "is an absolute or foreign path");
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = std::string_view(name).substr(begin, end - begin);
    if (part == ".." || part == ".") refuse(file, shown + "leaves its folder");
    begin = end + 1;
  }
}

}  // namespace

ZipDirectory find_zip_directory(std::span<const std::byte> bytes, const std::string& file) {
  const std::uint64_t end = find_end(bytes, file);
  const auto u16 = [&](std::uint64_t at) { return load_little<std::uint16_t>(bytes, at); };
  const auto u32 = [&](std::uint64_t at) { return load_little<std::uint32_t>(bytes, at); };
  const auto u64 = [&](std::uint64_t at) { return load_little<std::uint64_t>(bytes, at); };
  if (u16(end + 4) != 0 || u16(end + 6) != 0 || u16(end + 8) != u16(end + 10))
    refuse(file, "split over several disks");
  ZipDirectory directory{u32(end + 16), u32(end + 12), u16(end + 10)};
  std::uint64_t directory_end = end;
  const bool sentinel =
      directory.offset == sentinel32 || directory.size == sentinel32 || directory.entries == sentinel16;
  if (end >= 20 && u32(end - 20) == locator64_signature) {
    const std::uint64_t end64 = u64(end - 12);
    if (u32(end - 16) != 0 || u32(end - 4) != 1) refuse(file, "split over several disks (zip64)");
    if (end < 76 || end64 != end - 76 || u32(end64) != end64_signature || u64(end64 + 4) != 44)
      refuse(file, "the zip64 locator does not point at the zip64 end record before it");
    if (u32(end64 + 16) != 0 || u32(end64 + 20) != 0 || u64(end64 + 24) != u64(end64 + 32))
      refuse(file, "split over several disks (zip64)");
    settle(directory.entries, sentinel16, u64(end64 + 32), file);
    settle(directory.size, sentinel32, u64(end64 + 40), file);
    settle(directory.offset, sentinel32, u64(end64 + 48), file);
    directory = {u64(end64 + 48), u64(end64 + 40), u64(end64 + 32)};
    directory_end = end64;
  } else if (sentinel) {
    refuse(file, "zip64 values without a zip64 end record");
  }
  if (directory.offset > directory_end || directory.size != directory_end - directory.offset)
    refuse(file, "the central directory does not end where the end record begins");
  // A second end record after the directory's start would be another reader's first.
  for (std::uint64_t at = directory.offset; at + 4 <= bytes.size(); ++at)
    if (u32(at) == end_signature && at != end) refuse(file, "two end records");
  return directory;
}

std::vector<ZipEntry> read_zip_directory(std::span<const std::byte> bytes, const ZipDirectory& directory,
                                         const std::string& file) {
  const auto all = bytes.subspan(directory.offset, directory.size);
  std::vector<ZipEntry> entries;
  std::size_t at = 0;
  while (at < all.size()) {
    if (all.size() - at < 46 || load_little<std::uint32_t>(all, at) != central_signature)
      refuse(file, "a cut or foreign record in the central directory");
    const auto u16 = [&](std::size_t offset) { return load_little<std::uint16_t>(all, at + offset); };
    const auto u32 = [&](std::size_t offset) { return load_little<std::uint32_t>(all, at + offset); };
    const std::size_t name_size = u16(28), extra_size = u16(30), comment_size = u16(32);
    if (name_size + extra_size + comment_size > all.size() - at - 46)
      refuse(file, "a central record longer than the directory");
    ZipEntry entry{std::string(as_text(all.subspan(at + 46, name_size))),
                   u16(8),
                   u16(10),
                   u32(16),
                   u32(20),
                   u32(24),
                   u32(42),
                   0};
    check_name(entry.name, file);
    std::vector<std::uint64_t*> wanted;
    if (entry.size == sentinel32) wanted.push_back(&entry.size);
    if (entry.compressed == sentinel32) wanted.push_back(&entry.compressed);
    if (entry.header == sentinel32) wanted.push_back(&entry.header);
    read_zip64_extra(all.subspan(at + 46 + name_size, extra_size), wanted, file);
    const std::string shown = "entry '" + printable(entry.name) + "' ";
    if (u16(34) != 0) refuse(file, shown + "lies on another disk");
    if ((entry.flags & ~(has_descriptor | utf8_names)) != 0)
      refuse(file, shown + "is encrypted or patched (flags " + std::to_string(entry.flags) + ")");
    if (entry.method != 0 && entry.method != 8)
      refuse(file, shown + "has the unknown method " + std::to_string(entry.method));
    if (entry.method == 0 && entry.compressed != entry.size) refuse(file, shown + "is stored with two sizes");
    if (entry.method == 8 && entry.size > (1u << 16) && entry.size / 200 > entry.compressed)
      refuse(file, shown + "unpacks to more than 200 times its size");
    entries.push_back(std::move(entry));
    at += 46 + name_size + extra_size + comment_size;
  }
  if (entries.size() != directory.entries)
    refuse(file, "the end record counts other entries than the directory holds");
  return entries;
}

namespace {

// Sizes and CRC behind the content of an entry with flag 3, 32 or 64 bits wide.
void check_descriptor(std::span<const std::byte> bytes, const ZipEntry& entry, std::uint64_t at,
                      std::uint64_t room, const std::string& file) {
  const bool wide = room == 24;
  if (room != 16 && !wide)
    refuse(file, "entry '" + printable(entry.name) + "' is not followed by its data descriptor");
  const auto size_at = [&](std::uint64_t narrow, std::uint64_t broad) {
    return wide ? load_little<std::uint64_t>(bytes, at + broad)
                : load_little<std::uint32_t>(bytes, at + narrow);
  };
  if (load_little<std::uint32_t>(bytes, at) != descriptor_signature ||
      load_little<std::uint32_t>(bytes, at + 4) != entry.crc || size_at(8, 8) != entry.compressed ||
      size_at(12, 16) != entry.size)
    refuse(file, "the data descriptor of entry '" + printable(entry.name) + "' and the directory disagree");
}

void check_local(std::span<const std::byte> bytes, ZipEntry& entry, std::uint64_t end,
                 const std::string& file) {
  const std::string shown = "entry '" + printable(entry.name) + "' ";
  if (end - entry.header < 30 || load_little<std::uint32_t>(bytes, entry.header) != local_signature)
    refuse(file, shown + "has no local header where the directory says");
  const auto u16 = [&](std::uint64_t offset) {
    return load_little<std::uint16_t>(bytes, entry.header + offset);
  };
  const auto u32 = [&](std::uint64_t offset) {
    return load_little<std::uint32_t>(bytes, entry.header + offset);
  };
  const std::uint64_t name_size = u16(26), extra_size = u16(28);
  const std::uint64_t room = end - entry.header - 30;
  if (name_size + extra_size > room) refuse(file, shown + "reaches into the next entry");
  if (as_text(bytes.subspan(entry.header + 30, name_size)) != entry.name)
    refuse(file, shown + "has another name in its local header");
  std::uint64_t compressed = u32(18), size = u32(22);
  std::vector<std::uint64_t*> wanted;
  if (size == sentinel32) wanted.push_back(&size);
  if (compressed == sentinel32) wanted.push_back(&compressed);
  read_zip64_extra(bytes.subspan(entry.header + 30 + name_size, extra_size), wanted, file);
  const bool later = (entry.flags & has_descriptor) != 0;
  const bool empty = later && u32(14) == 0 && compressed == 0 && size == 0;
  if (u16(6) != entry.flags || u16(8) != entry.method ||
      (!empty && (u32(14) != entry.crc || compressed != entry.compressed || size != entry.size)))
    refuse(file, shown + "has other flags, method, sizes or CRC in its local header");
  entry.data = entry.header + 30 + name_size + extra_size;
  if (entry.compressed > end - entry.data) refuse(file, shown + "overlaps what follows it");
  const std::uint64_t left = end - entry.data - entry.compressed;
  if (later)
    check_descriptor(bytes, entry, entry.data + entry.compressed, left, file);
  else if (left != 0)
    refuse(file, shown + "is followed by bytes that belong to no entry");
}

}  // namespace

void check_zip_extents(std::span<const std::byte> bytes, const ZipDirectory& directory,
                       std::vector<ZipEntry>& entries, const std::string& file) {
  std::vector<ZipEntry*> sorted;
  sorted.reserve(entries.size());
  for (ZipEntry& entry : entries) sorted.push_back(&entry);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const ZipEntry* a, const ZipEntry* b) { return a->header < b->header; });
  if (!sorted.empty() && sorted.front()->header != 0) refuse(file, "bytes before the first entry");
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const std::uint64_t end = i + 1 < sorted.size() ? sorted[i + 1]->header : directory.offset;
    if (sorted[i]->header > directory.offset || end > directory.offset)
      refuse(file, "entry '" + printable(sorted[i]->name) + "' begins behind the directory");
    check_local(bytes, *sorted[i], end, file);
  }
}

}  // namespace thaw
