// JSON out of files that anyone may have written: a small text can make a parser take many times its size.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "kernels/error.h"

namespace thaw {

constexpr std::size_t json_limit = std::size_t{4} << 20;  // bytes; a thousand class names take 20 000

// Throws Error naming `file` when the text is over `limit` bytes or nests more than 16 deep, and
// nlohmann::json::exception when it is no JSON.
template <class Json = nlohmann::json>
Json parse_json(const std::string& text, const std::string& file, std::size_t limit = json_limit) {
  constexpr int deepest = 16;
  if (text.size() > limit)
    throw Error(file + ": holds a JSON text of " + std::to_string(text.size()) +
                " bytes, over the limit of " + std::to_string(limit));
  return Json::parse(text, [&](int depth, auto, Json&) {
    if (depth > deepest)
      throw Error(file + ": holds a JSON text that nests more than " + std::to_string(deepest) + " deep");
    return true;
  });
}

}  // namespace thaw
