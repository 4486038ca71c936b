#include "io/weights/weights.h"

#include "io/file/bytes.h"
#include "io/file/kind.h"
#include "io/file/names.h"
#include "io/file/text.h"
#include "io/pth/pth.h"
#include "io/weights/checkpoint_seal.h"
#include "io/weights/safetensors.h"

namespace thaw {

LoadedWeights read_weights(const std::string& path, const ReadOptions& options) {
  const FileBytes file(path, options.limits.file_bytes);
  const FileKind kind = recognise(file.bytes(), printable(path));
  if (options.check_name_hash) check_name_hash(path, file.bytes());
  LoadedWeights out;
  if (kind == FileKind::safetensors) {
    SafetensorsFile read = read_safetensors(file.bytes(), path, options);
    out.tensors = std::move(read.tensors);
    out.notes = std::move(read.notes);
    out.format = "safetensors";
    if (const auto json = read.metadata.find(checkpoint_json_key); json != read.metadata.end()) {
      check_checkpoint_seal(file.bytes(), read.metadata, printable(path));
      out.metadata = json->second;
      out.format = "thaw checkpoint";
      return out;
    }
  } else {
    PthFile read = read_pth(file.bytes(), path, options);
    out.tensors = std::move(read.tensors);
    out.notes = std::move(read.notes);
    out.format = "pth (" + read.container + ")";
  }
  if (out.tensors.size() == 0) throw Error(printable(path) + ": holds no tensors");
  out.tensors = strip_wrapper_prefixes(std::move(out.tensors), out.notes);
  return out;
}

}  // namespace thaw
