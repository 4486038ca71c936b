#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "io/file/atomic.h"
#include "io/file/tensor.h"
#include "io/file/text.h"
#include "io/weights/safetensors.h"
#include "io/weights/safetensors_header.h"

namespace thaw {
namespace {

std::vector<const StateDict::Entry*> in_file_order(const StateDict& tensors) {
  std::vector<const StateDict::Entry*> sorted;
  for (const StateDict::Entry& entry : tensors) sorted.push_back(&entry);
  std::sort(sorted.begin(), sorted.end(), [](const StateDict::Entry* a, const StateDict::Entry* b) {
    const std::size_t left = item_size(a->second.dtype()), right = item_size(b->second.dtype());
    return left != right ? left > right : a->first < b->first;
  });
  return sorted;
}

void check_name(const std::string& name) {
  if (name == "__metadata__" || !valid_utf8(name) || name.find('\0') != std::string::npos)
    throw Error("safetensors: '" + printable(name) + "' cannot be the name of a tensor");
}

}  // namespace

std::string safetensors_bytes(const StateDict& tensors, const SafetensorsMetadata& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  for (const auto& [key, value] : metadata) {
    if (!valid_utf8(key) || !valid_utf8(value) || value.find('\0') != std::string::npos)
      throw Error("safetensors: the metadata '" + printable(key) + "' is not UTF-8");
    header["__metadata__"][key] = value;
  }
  const auto sorted = in_file_order(tensors);
  std::uint64_t at = 0;
  for (const StateDict::Entry* entry : sorted) {
    const auto& [name, tensor] = *entry;
    check_name(name);
    if (!tensor.defined()) throw Error("safetensors: tensor '" + printable(name) + "' is undefined");
    const std::uint64_t end = at + tensor.bytes();
    header[name] = {{"dtype", safetensors_type_name(tensor.dtype())},
                    {"shape", tensor.shape().extents()},
                    {"data_offsets", {at, end}}};
    at = end;
  }
  std::string json = header.dump();
  json.append((8 - json.size() % 8) % 8, ' ');
  const std::uint64_t size = json.size();
  std::string out(8 + json.size(), '\0');
  out.reserve(out.size() + at);
  std::memcpy(out.data(), &size, 8);
  std::memcpy(out.data() + 8, json.data(), json.size());
  for (const StateDict::Entry* entry : sorted) out += as_text(contiguous_bytes(entry->second));
  return out;
}

void write_safetensors(const std::string& path, const StateDict& tensors,
                       const SafetensorsMetadata& metadata) {
  write_file_atomically(path, safetensors_bytes(tensors, metadata));
}

}  // namespace thaw
