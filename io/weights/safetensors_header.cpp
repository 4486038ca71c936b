#include "io/weights/safetensors_header.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "io/file/tensor.h"
#include "io/file/text.h"
#include "kernels/error.h"

namespace thaw {
namespace {

// In DType's order.
constexpr std::array type_names = {"F32", "BF16", "F16", "F64", "I64", "I32", "I16", "I8", "U8", "BOOL"};

// A state machine over JSON events: no tree is built and nothing recurses, however deep the text nests.
class HeaderEvents : public nlohmann::json_sax<nlohmann::json> {
 public:
  SafetensorsHeader header;
  std::string problem;

  bool start_object(std::size_t) override {
    if (depth_ == 0) return enter();
    if (depth_ != 1 || in_array_) return fail("nests where it must not");
    fields_.clear();
    in_metadata_ = top_key_ == "__metadata__";
    if (!in_metadata_) header.entries.push_back({top_key_, DType::f32, {}, 0, 0});
    return enter();
  }

  bool end_object() override {
    --depth_;
    if (depth_ == 1 && !in_metadata_ && fields_.size() != 3)
      return fail("tensor '" + printable(top_key_) + "' lacks dtype, shape or data_offsets");
    return true;
  }

  bool key(string_t& name) override {
    if (depth_ == 1) {
      top_key_ = name;
      if (!keys_.insert(name).second) return fail("the key '" + printable(name) + "' occurs twice");
      return true;
    }
    field_ = name;
    if (!fields_.insert(name).second)
      return fail("the field '" + printable(name) + "' of '" + printable(top_key_) + "' occurs twice");
    return in_metadata_ || name == "dtype" || name == "shape" || name == "data_offsets" ||
           fail("tensor '" + printable(top_key_) + "' has the unknown field '" + printable(name) + "'");
  }

  bool string(string_t& value) override {
    if (depth_ != 2 || in_array_) return fail("has a text where none belongs");
    if (in_metadata_) {
      header.metadata.emplace(field_, value);
      return true;
    }
    const auto it = std::find(type_names.begin(), type_names.end(), value);
    if (field_ != "dtype")
      return fail("'" + printable(field_) + "' of '" + printable(top_key_) + "' is a text");
    if (it == type_names.end())
      return fail("tensor '" + printable(top_key_) + "' has the dtype '" + printable(value) +
                  "', which Thaw does not read");
    header.entries.back().type = static_cast<DType>(it - type_names.begin());
    return true;
  }

  bool start_array(std::size_t) override {
    if (depth_ != 2 || in_array_ || in_metadata_ || field_ == "dtype")
      return fail("has an array where none belongs");
    in_array_ = true;
    numbers_.clear();
    return true;
  }

  bool end_array() override {
    in_array_ = false;
    SafetensorsEntry& entry = header.entries.back();
    if (field_ == "data_offsets") {
      if (numbers_.size() != 2)
        return fail("data_offsets of '" + printable(top_key_) + "' are not two numbers");
      entry.begin = numbers_[0];
      entry.end = numbers_[1];
      return true;
    }
    for (const std::uint64_t extent : numbers_) {
      if (extent > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return fail("tensor '" + printable(top_key_) + "' has an impossible shape");
      entry.shape.push_back(static_cast<std::int64_t>(extent));
    }
    return true;
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (!in_array_) return fail("has a number where none belongs");
    if (numbers_.size() >= 64) return fail("an array of more than 64 numbers");
    numbers_.push_back(value);
    return true;
  }

  bool number_integer(number_integer_t) override { return fail("has a negative number"); }
  bool number_float(number_float_t, const string_t&) override {
    return fail("has a number that is no integer of 64 bits");
  }
  bool null() override { return fail("has a null"); }
  bool boolean(bool) override { return fail("has a true or false"); }
  bool binary(binary_t&) override { return fail("has binary data"); }
  bool parse_error(std::size_t at, const std::string&, const nlohmann::detail::exception&) override {
    return fail("is no valid JSON at byte " + std::to_string(at));
  }

 private:
  bool enter() {
    ++depth_;
    return true;
  }
  bool fail(std::string what) {
    problem = std::move(what);
    return false;
  }

  int depth_ = 0;
  bool in_array_ = false;
  bool in_metadata_ = false;
  std::string top_key_;
  std::string field_;
  std::set<std::string> keys_;
  std::set<std::string> fields_;
  std::vector<std::uint64_t> numbers_;
};

void check_extents(const std::vector<SafetensorsEntry>& entries, std::uint64_t data_bytes,
                   const std::string& file) {
  std::uint64_t at = 0;
  for (const SafetensorsEntry& entry : entries) {
    const std::string shown = file + ": tensor '" + printable(entry.name) + "' ";
    if (entry.begin > entry.end) throw Error(shown + "ends before it begins");
    if (entry.begin != at)
      throw Error(shown + (entry.begin > at ? "leaves a hole before it" : "overlaps another"));
    if (entry.end > data_bytes)
      throw Error(shown + "reaches past the end of the file (truncated); download or save it again");
    std::uint64_t bytes = 0;
    if (!shape_bytes(entry.shape, item_size(entry.type), bytes) || bytes != entry.end - entry.begin)
      throw Error(shown + "has a shape that does not match its " + std::to_string(entry.end - entry.begin) +
                  " bytes");
    at = entry.end;
  }
  if (at != data_bytes)
    throw Error(file + ": " + std::to_string(data_bytes - at) +
                " bytes behind the last tensor belong to none");
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_bytes,
                                           const std::string& file) {
  // The parser takes a NUL for the end and skips a byte order mark; neither is JSON.
  if (json.empty() || json.front() != '{' || json.find('\0') != std::string_view::npos)
    throw Error(file + ": the safetensors header does not begin with '{' or holds a NUL");
  HeaderEvents events;
  if (!nlohmann::json::sax_parse(json.begin(), json.end(), &events))
    throw Error(file + ": the safetensors header " + events.problem);
  auto& entries = events.header.entries;
  std::sort(entries.begin(), entries.end(), [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end != b.end ? a.end < b.end : a.name < b.name;
  });
  check_extents(entries, data_bytes, file);
  return std::move(events.header);
}

const char* safetensors_type_name(DType type) {
  return type_names.at(static_cast<std::size_t>(type));
}

}  // namespace thaw
