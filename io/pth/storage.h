// The storages a PyTorch pickle refers to by persistent ids ('storage', class, key, location, count[, view]).
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "io/pth/pickle_value.h"
#include "kernels/dtype.h"

namespace thaw {

struct PthStorage {
  std::string_view type_name;  // "FloatStorage"
  std::optional<DType> type;   // none: a type Thaw knows the size of but does not read (complex, quantised)
  std::size_t item = 0;        // bytes of an element
  std::int64_t count = 0;      // elements
  std::span<const std::byte> bytes;  // filled in by the container's reader
};

using PthStorages = std::map<std::string, PthStorage, std::less<>>;

// Reads one persistent id; returns its key. Throws Error for everything that is not as above.
std::string read_storage_id(const Pickle& pickle, const PickleValue& persistent, PthStorage& storage,
                            const std::string& where);

// All storages a pickle names. Throws Error when one key is used with two types or sizes, or for a pickled
// module.
PthStorages collect_storages(const Pickle& pickle, const std::string& where);

}  // namespace thaw
