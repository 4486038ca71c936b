#include "io/pth/zip_writer.h"

#include <zlib.h>

#include <concepts>
#include <cstring>

#include "kernels/error.h"

namespace thaw {
namespace {

template <std::unsigned_integral T>
void append(std::string& out, T value) {
  char raw[sizeof(T)];
  std::memcpy(raw, &value, sizeof(T));
  out.append(raw, sizeof(T));
}

constexpr std::uint64_t limit32 = 0xffffffff;
constexpr std::size_t alignment = 64;

// What local header and central record have in common: version 2.0, UTF-8 names, stored, the earliest date.
void append_common(std::string& out, std::uint32_t crc, std::uint32_t size, std::size_t name,
                   std::size_t extra) {
  append<std::uint16_t>(out, 20);
  append<std::uint16_t>(out, 1u << 11);
  append<std::uint16_t>(out, 0);
  append<std::uint16_t>(out, 0);
  append<std::uint16_t>(out, (1u << 5) | 1u);
  append(out, crc);
  append(out, size);
  append(out, size);
  append(out, static_cast<std::uint16_t>(name));
  append(out, static_cast<std::uint16_t>(extra));
}

}  // namespace

void ZipWriter::add(const std::string& name, std::string_view content) {
  if (out_.size() + content.size() > limit32 - (std::uint64_t{1} << 20))
    throw Error("zip: more than 4 GiB do not fit a .pth of Thaw's; write safetensors instead");
  const uLong crc =
      ::crc32_z(::crc32(0, nullptr, 0), reinterpret_cast<const Bytef*>(content.data()), content.size());
  // PyTorch's filler: an extra field "FB" of as many 'Z' as bring the content to a multiple of 64.
  const std::size_t start = out_.size() + 30 + name.size() + 4;
  const std::size_t filler = (alignment - start % alignment) % alignment;
  const auto offset = static_cast<std::uint32_t>(out_.size());
  const auto size = static_cast<std::uint32_t>(content.size());
  append<std::uint32_t>(out_, 0x04034b50);
  append_common(out_, static_cast<std::uint32_t>(crc), size, name.size(), filler + 4);
  out_ += name;
  out_ += "FB";
  append(out_, static_cast<std::uint16_t>(filler));
  out_.append(filler, 'Z');
  out_ += content;
  append<std::uint32_t>(directory_, 0x02014b50);
  append<std::uint16_t>(directory_, 20);
  append_common(directory_, static_cast<std::uint32_t>(crc), size, name.size(), 0);
  append<std::uint16_t>(directory_, 0);
  append<std::uint16_t>(directory_, 0);
  append<std::uint16_t>(directory_, 0);
  append<std::uint32_t>(directory_, 0);
  append(directory_, offset);
  directory_ += name;
  ++entries_;
}

std::string ZipWriter::finish() {
  if (entries_ >= 0xffff)
    throw Error("zip: more than 65534 tensors do not fit a .pth of Thaw's; write safetensors");
  const auto offset = static_cast<std::uint32_t>(out_.size());
  out_ += directory_;
  append<std::uint32_t>(out_, 0x06054b50);
  append<std::uint32_t>(out_, 0);
  append(out_, static_cast<std::uint16_t>(entries_));
  append(out_, static_cast<std::uint16_t>(entries_));
  append(out_, static_cast<std::uint32_t>(directory_.size()));
  append(out_, offset);
  append<std::uint16_t>(out_, 0);
  return std::move(out_);
}

}  // namespace thaw
