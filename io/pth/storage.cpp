#include "io/pth/storage.h"

#include <algorithm>
#include <array>

#include "io/file/checked.h"
#include "io/file/text.h"
#include "kernels/error.h"

namespace thaw {
namespace {

struct StorageType {
  std::string_view name;
  std::size_t item;
  std::optional<DType> type;
};

constexpr std::array<StorageType, 17> storage_types = {{
    {"FloatStorage", 4, DType::f32},
    {"DoubleStorage", 8, DType::f64},
    {"HalfStorage", 2, DType::f16},
    {"BFloat16Storage", 2, DType::bf16},
    {"LongStorage", 8, DType::i64},
    {"IntStorage", 4, DType::i32},
    {"ShortStorage", 2, DType::i16},
    {"CharStorage", 1, DType::i8},
    {"ByteStorage", 1, DType::u8},
    {"BoolStorage", 1, DType::boolean},
    {"ComplexFloatStorage", 8, std::nullopt},
    {"ComplexDoubleStorage", 16, std::nullopt},
    {"QInt8Storage", 1, std::nullopt},
    {"QUInt8Storage", 1, std::nullopt},
    {"QInt32Storage", 4, std::nullopt},
    {"QUInt4x2Storage", 1, std::nullopt},
    {"UntypedStorage", 1, std::nullopt},
}};

const StorageType* find_type(std::string_view global) {
  for (const std::string_view prefix : {"torch.storage.", "torch.cuda.", "torch."}) {
    if (!global.starts_with(prefix)) continue;
    const std::string_view name = global.substr(prefix.size());
    const auto it = std::find_if(storage_types.begin(), storage_types.end(),
                                 [&](const StorageType& t) { return t.name == name; });
    if (it != storage_types.end()) return &*it;
  }
  return nullptr;
}

bool valid_key(std::string_view key) {
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '.' || c == '-';
  };
  return !key.empty() && key.size() <= 64 && std::all_of(key.begin(), key.end(), allowed);
}

}  // namespace

std::string read_storage_id(const Pickle& pickle, const PickleValue& persistent, PthStorage& storage,
                            const std::string& where) {
  const PickleValue& id = pickle.at(persistent.items.at(0));
  const auto item = [&](std::size_t i) -> const PickleValue& { return pickle.at(id.items[i]); };
  if (id.kind != PickleKind::tuple || id.items.empty() || item(0).kind != PickleKind::text)
    throw Error(where + ": a persistent id that is no tuple beginning with a text");
  if (item(0).text == "module") {
    const bool named = id.items.size() > 1 && item(1).kind == PickleKind::global;
    throw Error(where + ": is a pickled module (class " +
                (named ? printable(item(1).text) : std::string("unknown")) +
                "), which only the program that made it can load; there, save model.state_dict() instead");
  }
  const std::size_t size = id.items.size();
  if (item(0).text != "storage" || (size != 5 && size != 6) || item(1).kind != PickleKind::global ||
      item(2).kind != PickleKind::text || item(3).kind != PickleKind::text ||
      item(4).kind != PickleKind::integer)
    throw Error(where + ": a persistent id that does not describe a storage");
  std::string key(item(2).text);
  if (!valid_key(key)) throw Error(where + ": the storage key '" + printable(key) + "' is not allowed");
  if (size == 6 && item(5).kind != PickleKind::none)
    throw Error(where + ": storage '" + key +
                "' is a view of another storage (PyTorch before 0.4); load the file with "
                "PyTorch and save it again");
  const StorageType* type = find_type(item(1).text);
  if (type == nullptr)
    throw Error(where + ": storage '" + key + "' has the unknown type " + printable(item(1).text));
  std::int64_t bytes = 0;
  if (item(4).number < 0 || !checked_mul(item(4).number, static_cast<std::int64_t>(type->item), bytes))
    throw Error(where + ": storage '" + key + "' claims the impossible size " +
                std::to_string(item(4).number));
  storage = {type->name, type->type, type->item, item(4).number, {}};
  return key;
}

PthStorages collect_storages(const Pickle& pickle, const std::string& where) {
  PthStorages storages;
  for (const PickleValue& value : pickle.values) {
    if (value.kind != PickleKind::persistent) continue;
    PthStorage storage;
    std::string key = read_storage_id(pickle, value, storage, where);
    const auto [it, fresh] = storages.emplace(key, storage);
    if (!fresh && (it->second.type_name != storage.type_name || it->second.count != storage.count))
      throw Error(where + ": storage '" + key + "' is used with two types or sizes");
  }
  return storages;
}

}  // namespace thaw
