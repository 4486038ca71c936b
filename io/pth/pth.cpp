#include "io/pth/pth.h"

#include "io/file/bytes.h"
#include "io/file/kind.h"
#include "io/file/text.h"
#include "io/pth/container.h"
#include "io/pth/tensor.h"
#include "io/pth/tree.h"

namespace thaw {

PthFile read_pth(std::span<const std::byte> bytes, const std::string& name, const ReadOptions& options) {
  const std::string file = printable(name);
  const FileKind kind = recognise(bytes, file);
  if (kind == FileKind::safetensors) throw Error(file + ": is a safetensors file, not one of PyTorch");
  const PthContainer container = kind == FileKind::zip ? open_pth_zip(bytes, file, options.limits)
                                                       : open_pth_legacy(bytes, file, options.limits);
  PthTree tree = find_state_dict(container.pickle, options.prefer_ema, file);
  TensorIntake intake(options, file);
  for (const auto& [key, id] : tree.tensors)
    read_pth_tensor(container.pickle, id, key, container.storages, intake, file);
  PthFile out;
  out.container = container.name;
  out.notes = container.notes;
  out.notes.insert(out.notes.end(), tree.notes.begin(), tree.notes.end());
  out.tensors = intake.finish(out.notes);
  return out;
}

PthFile read_pth(const std::string& path, const ReadOptions& options) {
  const FileBytes file(path, options.limits.file_bytes);
  return read_pth(file.bytes(), path, options);
}

}  // namespace thaw
