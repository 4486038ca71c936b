#include "io/file/names.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "io/file/sha256.h"
#include "io/file/text.h"
#include "kernels/error.h"

namespace thaw {
namespace {

// The hexadecimal digits between the last '-' and the last '.' of the file's name; empty: none.
std::string promised_hash(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  const std::size_t dash = name.rfind('-', dot);
  if (dot == std::string::npos || dash == std::string::npos) return "";
  std::string digits = name.substr(dash + 1, dot - dash - 1);
  const bool hex = std::all_of(digits.begin(), digits.end(),
                               [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (!hex || digits.size() < 8 || digits.size() > 64) return "";
  return digits;
}

bool reads_as_date(const std::string& digits) {
  if (digits.size() != 8 ||
      !std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return false;
  const int month = std::stoi(digits.substr(4, 2)), day = std::stoi(digits.substr(6, 2));
  return (digits.starts_with("19") || digits.starts_with("20")) && month >= 1 && month <= 12 && day >= 1 &&
         day <= 31;
}

}  // namespace

StateDict strip_wrapper_prefixes(StateDict tensors, std::vector<std::string>& notes) {
  for (bool again = true; again && tensors.size() > 0;) {
    again = false;
    for (const std::string_view prefix : {"module.", "_orig_mod."}) {
      const auto carries = [&](const StateDict::Entry& entry) { return entry.first.starts_with(prefix); };
      const auto count = std::count_if(tensors.begin(), tensors.end(), carries);
      if (count > 0 && static_cast<std::size_t>(count) < tensors.size())
        notes.push_back("only " + std::to_string(count) + " of " + std::to_string(tensors.size()) +
                        " names begin with '" + std::string(prefix) + "': they are left as they are");
      if (static_cast<std::size_t>(count) != tensors.size()) continue;
      StateDict stripped;
      for (const auto& [name, tensor] : tensors) stripped.add(name.substr(prefix.size()), tensor);
      tensors = std::move(stripped);
      notes.push_back("stripped '" + std::string(prefix) + "' from all names");
      again = true;
    }
  }
  return tensors;
}

void check_name_hash(const std::string& path, std::span<const std::byte> bytes) {
  const std::string promised = promised_hash(path);
  if (promised.empty() || reads_as_date(promised)) return;
  Sha256 hash;
  hash.update(bytes);
  const std::string actual = hash.hex();
  if (!actual.starts_with(promised))
    throw Error(printable(path) + ": the name promises SHA-256 " + promised + "..., the file has " +
                actual.substr(0, promised.size()) +
                "...; the download is incomplete or altered (rename the file if it was changed on purpose)");
}

std::string last_name(const std::string& path) {
  const std::filesystem::path whole = std::filesystem::absolute(path).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

}  // namespace thaw
