// Builds zip containers byte by byte, right or wrong in any field.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace writer {

template <class T>
void put(std::string& out, T value) {
  char raw[sizeof(T)];
  std::memcpy(raw, &value, sizeof(T));
  out.append(raw, sizeof(T));
}

inline std::uint32_t crc(const std::string& bytes) {
  return static_cast<std::uint32_t>(
      ::crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

// A raw DEFLATE stream.
inline std::string deflated(const std::string& bytes) {
  z_stream stream = {};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

struct ZipItem {
  std::string name;
  std::string content;  // the bytes as they lie in the file
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::optional<std::uint32_t> crc = {};   // of both headers
  std::optional<std::uint32_t> size = {};  // unpacked
  std::optional<std::uint32_t> compressed = {};
  std::optional<std::uint32_t> offset = {};  // of the local header, in the directory
  // What only the local header says.
  std::optional<std::string> local_name = {};
  std::optional<std::uint32_t> local_crc = {};
  std::optional<std::uint32_t> local_size = {};
  std::optional<std::uint16_t> local_method = {};
  std::string local_extra = {};
  std::string central_extra = {};
  std::string after = {};  // between the content and the next header: a data descriptor
  std::uint32_t attributes = 0;
};

struct ZipForm {
  std::vector<ZipItem> items;
  std::string before;  // in front of the first entry
  std::string comment;
  std::string tail;  // behind the end record
  std::optional<std::uint16_t> entries = {};
  std::optional<std::uint32_t> directory_size = {};
  std::optional<std::uint32_t> directory_offset = {};
  std::uint16_t disk = 0;
  bool zip64 = false;
  std::int64_t locator_shift = 0;  // added to where the zip64 locator points
};

inline std::string extra_field(std::uint16_t id, const std::string& content) {
  std::string out;
  put(out, id);
  put(out, static_cast<std::uint16_t>(content.size()));
  return out + content;
}

inline std::string descriptor(const std::string& content, std::uint32_t wrong = 0) {
  std::string out;
  put<std::uint32_t>(out, 0x08074b50);
  put<std::uint32_t>(out, crc(content) + wrong);
  put(out, static_cast<std::uint32_t>(content.size()));
  put(out, static_cast<std::uint32_t>(content.size()));
  return out;
}

inline void put_local(std::string& out, const ZipItem& item) {
  const auto size = static_cast<std::uint32_t>(item.content.size());
  const std::string name = item.local_name.value_or(item.name);
  put<std::uint32_t>(out, 0x04034b50);
  put<std::uint16_t>(out, 20);
  put(out, item.flags);
  put(out, item.local_method.value_or(item.method));
  put<std::uint32_t>(out, 0);
  put(out, item.local_crc.value_or(item.crc.value_or(crc(item.content))));
  put(out, item.local_size.value_or(item.compressed.value_or(size)));
  put(out, item.local_size.value_or(item.size.value_or(size)));
  put(out, static_cast<std::uint16_t>(name.size()));
  put(out, static_cast<std::uint16_t>(item.local_extra.size()));
  out += name + item.local_extra + item.content + item.after;
}

inline void put_central(std::string& out, const ZipItem& item, std::uint32_t offset) {
  const auto size = static_cast<std::uint32_t>(item.content.size());
  put<std::uint32_t>(out, 0x02014b50);
  put<std::uint16_t>(out, 20);
  put<std::uint16_t>(out, 20);
  put(out, item.flags);
  put(out, item.method);
  put<std::uint32_t>(out, 0);
  put(out, item.crc.value_or(crc(item.content)));
  put(out, item.compressed.value_or(size));
  put(out, item.size.value_or(size));
  put(out, static_cast<std::uint16_t>(item.name.size()));
  put(out, static_cast<std::uint16_t>(item.central_extra.size()));
  put<std::uint16_t>(out, 0);
  put<std::uint16_t>(out, 0);
  put<std::uint16_t>(out, 0);
  put(out, item.attributes);
  put(out, item.offset.value_or(offset));
  out += item.name + item.central_extra;
}

inline std::string zip(const ZipForm& form) {
  std::string out = form.before;
  std::string directory;
  for (const ZipItem& item : form.items) {
    put_central(directory, item, static_cast<std::uint32_t>(out.size()));
    put_local(out, item);
  }
  const std::uint64_t offset = out.size();
  const auto entries = form.entries.value_or(static_cast<std::uint16_t>(form.items.size()));
  out += directory;
  if (form.zip64) {
    const std::uint64_t end64 = out.size();
    put<std::uint32_t>(out, 0x06064b50);
    put<std::uint64_t>(out, 44);
    put<std::uint32_t>(out, 45u << 16 | 45u);
    put<std::uint64_t>(out, 0);
    put<std::uint64_t>(out, form.items.size());
    put<std::uint64_t>(out, form.items.size());
    put<std::uint64_t>(out, directory.size());
    put<std::uint64_t>(out, offset);
    put<std::uint32_t>(out, 0x07064b50);
    put<std::uint32_t>(out, 0);
    put<std::uint64_t>(out, end64 + static_cast<std::uint64_t>(form.locator_shift));
    put<std::uint32_t>(out, 1);
  }
  put<std::uint32_t>(out, 0x06054b50);
  put(out, form.disk);
  put(out, form.disk);
  put(out, entries);
  put(out, entries);
  put(out, form.directory_size.value_or(static_cast<std::uint32_t>(directory.size())));
  put(out, form.directory_offset.value_or(static_cast<std::uint32_t>(offset)));
  put(out, static_cast<std::uint16_t>(form.comment.size()));
  return out + form.comment + form.tail;
}

}  // namespace writer
