#include "io/weights/safetensors.h"

#include "io/file/bytes.h"
#include "io/file/checked.h"
#include "io/file/tensor.h"
#include "io/file/text.h"
#include "io/weights/safetensors_header.h"

namespace thaw {

SafetensorsFile read_safetensors(std::span<const std::byte> bytes, const std::string& name,
                                 const ReadOptions& options) {
  const std::string file = printable(name);
  if (bytes.size() < 8) throw Error(file + ": too short for a safetensors file (truncated)");
  const auto header_bytes = load_little<std::uint64_t>(bytes, 0);
  if (header_bytes > options.limits.safetensors_header_bytes)
    throw Error(file + ": claims a header of " + std::to_string(header_bytes) +
                " bytes, over the limit safetensors_header_bytes = " +
                std::to_string(options.limits.safetensors_header_bytes));
  if (header_bytes > bytes.size() - 8)
    throw Error(file + ": is shorter than its safetensors header (truncated, or no safetensors file)");
  const auto data = bytes.subspan(8 + static_cast<std::size_t>(header_bytes));
  const std::string_view json = as_text(bytes.subspan(8, static_cast<std::size_t>(header_bytes)));
  SafetensorsHeader header = parse_safetensors_header(json, data.size(), file);
  SafetensorsFile out;
  out.metadata = std::move(header.metadata);
  TensorIntake intake(options, file);
  for (const SafetensorsEntry& entry : header.entries) {
    intake.admit(entry.name, entry.end - entry.begin, entry.shape.size());
    intake.add(entry.name,
               data.subspan(static_cast<std::size_t>(entry.begin),
                            static_cast<std::size_t>(entry.end - entry.begin)),
               entry.type, Shape(entry.shape));
  }
  out.tensors = intake.finish(out.notes);
  return out;
}

SafetensorsFile read_safetensors(const std::string& path, const ReadOptions& options) {
  const FileBytes file(path, options.limits.file_bytes);
  return read_safetensors(file.bytes(), path, options);
}

}  // namespace thaw
