// Builds pickles opcode by opcode.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "tests/io/pth/writer_zip.h"

namespace writer {

inline std::string text(const std::string& value) {
  std::string out = "X";
  put(out, static_cast<std::uint32_t>(value.size()));
  return out + value;
}

inline std::string integer(std::int64_t value) {
  std::string out;
  if (value >= INT32_MIN && value <= INT32_MAX) {
    out = "J";
    put(out, static_cast<std::int32_t>(value));
  } else {
    out = "\x8a\x08";
    put(out, value);
  }
  return out;
}

inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}

inline std::string tuple(const std::vector<std::string>& parts) {
  std::string out = "(";
  for (const std::string& part : parts) out += part;
  return out + "t";
}

inline std::string extents(const std::vector<std::int64_t>& values) {
  std::vector<std::string> parts;
  for (const std::int64_t value : values) parts.push_back(integer(value));
  return tuple(parts);
}

inline const std::string none = "N";
inline const std::string yes = "\x88";
inline const std::string no = "\x89";
inline const std::string empty_ordered_dict = "ccollections\nOrderedDict\n)R";

using Pairs = std::vector<std::pair<std::string, std::string>>;  // key opcodes, value opcodes

inline std::string items(const Pairs& pairs) {
  std::string out = "(";
  for (const auto& [key, value] : pairs) out += key + value;
  return out + "u";
}

inline std::string dict(const Pairs& pairs) {
  return "}" + items(pairs);
}
inline std::string ordered_dict(const Pairs& pairs) {
  return empty_ordered_dict + items(pairs);
}
inline std::string call(const std::string& function, const std::vector<std::string>& arguments) {
  return function + tuple(arguments) + "R";
}

// A whole pickle of protocol 2.
inline std::string pickle(const std::string& body) {
  return "\x80\x02" + body + ".";
}

struct TensorForm {
  std::string key = "0";
  std::int64_t count = 4;
  std::vector<std::int64_t> size = {2, 2};
  std::vector<std::int64_t> stride = {2, 1};
  std::int64_t offset = 0;
  std::string type = "FloatStorage";
  std::string location = "cpu";
};

inline std::string storage(const TensorForm& form, bool legacy = false) {
  std::vector<std::string> parts = {text("storage"), global("torch", form.type), text(form.key),
                                    text(form.location), integer(form.count)};
  if (legacy) parts.push_back(none);
  return tuple(parts) + "Q";
}

inline std::string tensor(const TensorForm& form, bool legacy = false) {
  return call(global("torch._utils", "_rebuild_tensor_v2"),
              {storage(form, legacy), integer(form.offset), extents(form.size), extents(form.stride), no,
               empty_ordered_dict});
}

}  // namespace writer
