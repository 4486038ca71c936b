#include <charconv>

#include "io/file/text.h"
#include "io/pth/container.h"
#include "io/pth/pickle_reader.h"
#include "kernels/error.h"

namespace thaw {
namespace {

// The folder all entries lie in, with its slash: the one that holds data.pkl.
std::string find_root(const ZipReader& zip, const std::string& file) {
  const std::string wanted = "/data.pkl";
  std::string root;
  for (const ZipEntry& entry : zip.entries()) {
    if (entry.name == "META-INF/" || entry.name.ends_with(".npy"))
      throw Error(file + ": is a zip archive, but no PyTorch file");
    if (!entry.name.ends_with(wanted)) continue;
    if (!root.empty()) throw Error(file + ": has two entries data.pkl; the file is ambiguous");
    root = entry.name.substr(0, entry.name.size() - wanted.size() + 1);
  }
  if (root.empty()) throw Error(file + ": is a zip archive without a data.pkl: no PyTorch file");
  for (const ZipEntry& entry : zip.entries()) {
    if (!entry.name.starts_with(root))
      throw Error(file + ": the entry '" + printable(entry.name) + "' lies outside '" + printable(root) +
                  "'");
    const std::string_view inner = std::string_view(entry.name).substr(root.size());
    if (inner == "constants.pkl" || inner.starts_with("code/"))
      throw Error(
          file + ": is a TorchScript archive (torch.jit.save); in Python, load it and save its state_dict()");
  }
  return root;
}

std::string trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  return std::string(text);
}

void check_version(ZipReader& zip, const std::string& name, const std::string& file) {
  const ZipEntry* entry = zip.find(name);
  if (entry == nullptr) return;
  const std::string text = trimmed(as_text(zip.read(*entry)));
  int version = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), version);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() || version < 1 || version > 10)
    throw Error(file + ": the format version '" + printable(text) + "' is not one from 1 to 10");
}

}  // namespace

PthContainer open_pth_zip(std::span<const std::byte> bytes, const std::string& file,
                          const ReadLimits& limits) {
  PthContainer out;
  out.name = "zip";
  out.zip = std::make_unique<ZipReader>(bytes, file, limits);
  const std::string root = find_root(*out.zip, file);
  check_version(*out.zip, root + "version", file);
  check_version(*out.zip, root + ".format_version", file);
  if (const ZipEntry* order = out.zip->find(root + "byteorder"); order != nullptr) {
    const std::string text = trimmed(as_text(out.zip->read(*order)));
    if (text != "little")
      throw Error(file + ": the byte order is '" + printable(text) +
                  "', Thaw reads 'little'; load the file with "
                  "PyTorch on such a machine and save it as safetensors");
  }
  const ZipEntry& object = *out.zip->find(root + "data.pkl");
  if (object.size > limits.pickle_bytes)
    throw Error(file +
                ": data.pkl is larger than the limit pickle_bytes = " + std::to_string(limits.pickle_bytes));
  const std::span<const std::byte> pickled = out.zip->read(object);
  out.pickle = read_pickle(pickled, 0, file, limits);
  if (out.pickle.end != pickled.size())
    throw Error(file + ": bytes behind the end of the pickle in data.pkl");
  out.storages = collect_storages(out.pickle, file);
  for (auto& [key, storage] : out.storages) {
    const ZipEntry* entry = out.zip->find(root + "data/" + key);
    if (entry == nullptr) throw Error(file + ": the storage data/" + key + " is missing");
    const std::uint64_t wanted = static_cast<std::uint64_t>(storage.count) * storage.item;
    if (entry->size != wanted)
      throw Error(file + ": storage data/" + key + " has " + std::to_string(entry->size) +
                  " bytes, its tensors expect " + std::to_string(wanted));
    storage.bytes = out.zip->read(*entry);
  }
  if (out.zip->unchecked() > 0)
    out.notes.push_back(std::to_string(out.zip->unchecked()) +
                        " zip entries carry no checksum and were not verified");
  return out;
}

}  // namespace thaw
