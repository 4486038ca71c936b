// What a pickle says, as an arena of inert values: indices instead of pointers, so that cycles are harmless,
// shared parts are never expanded and destruction does not recurse. A class or function in a file is only a
// name here.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace thaw {

enum class PickleKind : std::uint8_t {
  none,
  boolean,      // number: 0 or 1
  integer,      // number
  big_integer,  // text: its little-endian bytes, 9 to 16 of them
  real,         // number: the bits of a double
  text,         // text: UTF-8
  bytes,        // text
  tuple,        // items
  list,         // items
  set,          // items
  dict,         // items: key, value, key, value ...; number 1: an OrderedDict
  global,       // text: "module.name"
  call,         // function(arguments...), which is never made; items: its arguments
  persistent,   // items: the one persistent id
};

using ValueId = std::uint32_t;

struct PickleValue {
  PickleKind kind = PickleKind::none;
  ValueId function = 0;  // of a call
  std::int64_t number = 0;
  std::string_view text;  // into the pickle's bytes, or into Pickle::names
  std::vector<ValueId> items;

  double real() const { return std::bit_cast<double>(number); }
};

struct Pickle {
  std::vector<PickleValue> values;
  std::deque<std::string> names;
  ValueId root = 0;
  std::size_t end = 0;  // offset behind STOP

  const PickleValue& at(ValueId id) const { return values[id]; }
  // A call of a global of this name.
  bool calls(const PickleValue& value, std::string_view name) const {
    return value.kind == PickleKind::call && values[value.function].kind == PickleKind::global &&
           values[value.function].text == name;
  }
};

}  // namespace thaw
