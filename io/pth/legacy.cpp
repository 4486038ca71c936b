#include <set>

#include "io/file/checked.h"
#include "io/file/text.h"
#include "io/pth/container.h"
#include "io/pth/pickle_reader.h"
#include "kernels/error.h"

namespace thaw {
namespace {

constexpr std::string_view magic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);
constexpr std::int64_t protocol_version = 1001;

const PickleValue* find(const Pickle& pickle, const PickleValue& dict, std::string_view name) {
  for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2)
    if (const PickleValue& key = pickle.at(dict.items[i]); key.kind == PickleKind::text && key.text == name)
      return &pickle.at(dict.items[i + 1]);
  return nullptr;
}

void check_system(const Pickle& pickle, const std::string& file) {
  const PickleValue& info = pickle.at(pickle.root);
  const PickleValue* little = info.kind == PickleKind::dict ? find(pickle, info, "little_endian") : nullptr;
  if (little == nullptr || little->kind != PickleKind::boolean)
    throw Error(file + ": legacy PyTorch file without its system description");
  if (little->number == 0)
    throw Error(file +
                ": was saved on a big-endian machine; load it with PyTorch there and save it as safetensors");
  const PickleValue* sizes = find(pickle, info, "type_sizes");
  if (sizes == nullptr || sizes->kind != PickleKind::dict)
    throw Error(file + ": legacy PyTorch file without its type sizes");
  const auto size_is = [&](const char* type, std::int64_t one, std::int64_t other) {
    const PickleValue* size = find(pickle, *sizes, type);
    return size != nullptr && size->kind == PickleKind::integer &&
           (size->number == one || size->number == other);
  };
  if (!size_is("short", 2, 2) || !size_is("int", 4, 4) || !size_is("long", 4, 8))
    throw Error(file + ": was saved on a machine with other type sizes");
}

// The storages' bytes, one after another in the order of the key list: an int64 count, then the elements.
void read_storages(std::span<const std::byte> bytes, const Pickle& keys, PthStorages& storages,
                   const std::string& file) {
  const PickleValue& list = keys.at(keys.root);
  if (list.kind != PickleKind::list) throw Error(file + ": the list of storages is no list");
  std::size_t at = keys.end;
  std::set<std::string_view> seen;
  for (const ValueId id : list.items) {
    const PickleValue& key = keys.at(id);
    if (key.kind != PickleKind::text) throw Error(file + ": a storage key that is no text");
    const std::string shown = file + ": storage '" + printable(key.text) + "'";
    const auto it = storages.find(key.text);
    if (it == storages.end()) throw Error(shown + " is listed, but no tensor names it");
    if (!seen.insert(key.text).second) throw Error(shown + " is listed twice");
    PthStorage& storage = it->second;
    if (bytes.size() - at < 8) throw Error(shown + " is missing; the file is truncated, download it again");
    const auto count = load_little<std::int64_t>(bytes, at);
    at += 8;
    if (count != storage.count)
      throw Error(shown + " has " + std::to_string(count) + " elements, its tensors expect " +
                  std::to_string(storage.count));
    const std::uint64_t size = static_cast<std::uint64_t>(count) * storage.item;
    if (size > bytes.size() - at) throw Error(shown + " is cut; the file is truncated, download it again");
    storage.bytes = bytes.subspan(at, static_cast<std::size_t>(size));
    at += static_cast<std::size_t>(size);
  }
  if (seen.size() != storages.size())
    throw Error(file + ": " + std::to_string(storages.size() - seen.size()) +
                " storages are named but not listed");
  if (at != bytes.size()) throw Error(file + ": bytes behind the last storage");
}

}  // namespace

PthContainer open_pth_legacy(std::span<const std::byte> bytes, const std::string& file,
                             const ReadLimits& limits) {
  const Pickle first = read_pickle(bytes, 0, file, limits);
  if (first.at(first.root).kind != PickleKind::big_integer || first.at(first.root).text != magic)
    throw Error(file + ": is a pickle, but no PyTorch file (wrong magic number)");
  const Pickle version = read_pickle(bytes, first.end, file, limits);
  if (version.at(version.root).kind != PickleKind::integer ||
      version.at(version.root).number != protocol_version)
    throw Error(file + ": is a legacy PyTorch file of an unknown protocol version");
  const Pickle system = read_pickle(bytes, version.end, file, limits);
  check_system(system, file);
  PthContainer out;
  out.name = "legacy";
  out.pickle = read_pickle(bytes, system.end, file, limits);
  out.storages = collect_storages(out.pickle, file);
  const Pickle keys = read_pickle(bytes, out.pickle.end, file, limits);
  read_storages(bytes, keys, out.storages, file);
  return out;
}

}  // namespace thaw
