#include "models/description.h"

#include <algorithm>
#include <charconv>

#include "kernels/error.h"
#include "models/nearest_names.h"

namespace thaw {

namespace {

std::vector<std::string> parts(const std::string& text, char separator) {
  std::vector<std::string> all;
  for (std::size_t begin = 0;;) {
    const std::size_t end = text.find(separator, begin);
    all.push_back(text.substr(begin, end - begin));
    if (end == std::string::npos) return all;
    begin = end + 1;
  }
}

}  // namespace

Description::Description(const std::string& text) {
  constexpr const char* form = "FAMILY:KEY=VALUE,..., for instance resnet:blocks=2-2-2-2,stem=cifar";
  if (text.size() > longest)
    throw Error("a network's description has up to " + std::to_string(longest) + " characters, got " +
                std::to_string(text.size()));
  constexpr const char* signs = "abcdefghijklmnopqrstuvwxyz0123456789_-:=,";
  if (text.find_first_not_of(signs) != std::string::npos)
    throw Error(std::string("a network's description is ") + form + ", in small letters without spaces");
  const std::size_t colon = text.find(':');
  family_ = text_ = text.substr(0, colon);
  if (colon == std::string::npos) return;
  for (const std::string& part : parts(text.substr(colon + 1), ',')) {
    const std::size_t equals = part.find('=');
    if (equals == 0 || equals >= part.size() - 1)
      fail("'" + part.substr(0, 40) + "' is no KEY=VALUE; a description is " + form);
    if (!left_.emplace(part.substr(0, equals), part.substr(equals + 1)).second)
      fail(part.substr(0, equals) + " stands there twice");
  }
}

std::int64_t Description::number(const std::string& key, std::int64_t low, std::int64_t high,
                                 std::int64_t otherwise) {
  const std::string* value = take(key);
  const std::int64_t number = value == nullptr ? otherwise : parsed(key, *value, low, high);
  if (number != otherwise) keep(key, std::to_string(number));
  return number;
}

std::vector<std::int64_t> Description::numbers(const std::string& key, std::int64_t low, std::int64_t high,
                                               std::size_t most) {
  const std::string* value = take(key);
  if (value == nullptr) fail(key + " is missing; give for instance " + key + "=3-4-6-3");
  std::vector<std::int64_t> numbers;
  std::string same;
  for (const std::string& part : parts(*value, '-')) {
    numbers.push_back(parsed(key, part, low, high));
    same += (same.empty() ? "" : "-") + std::to_string(numbers.back());
  }
  if (numbers.size() > most)
    fail(key + " takes up to " + std::to_string(most) + " numbers, got " + std::to_string(numbers.size()));
  keep(key, same);
  return numbers;
}

std::size_t Description::choice(const std::string& key, const std::vector<std::string>& words) {
  const std::string* value = take(key);
  if (value == nullptr) return 0;
  const auto at = std::find(words.begin(), words.end(), *value);
  if (at == words.end()) {
    std::string known;
    for (const std::string& word : words) known += (known.empty() ? "" : ", ") + word;
    fail(key + "=" + value->substr(0, 40) + ": there are " + known);
  }
  if (at != words.begin()) keep(key, *value);
  return static_cast<std::size_t>(at - words.begin());
}

void Description::finish() const {
  if (left_.empty()) return;
  const std::string key = left_.begin()->first.substr(0, 40);
  fail("no key '" + key + "'" + nearest_text(key, keys_));
}

void Description::fail(const std::string& what) const {
  throw Error(family_.substr(0, 40) + ": " + what);
}

void Description::limit_weights(std::int64_t weights) const {
  constexpr std::int64_t million = 1000000, most = 1000 * million;
  if (weights > most)
    fail("this would have " + std::to_string(weights / million) + " million weights; there may be " +
         std::to_string(most / million) + " million");
}

const std::string* Description::take(const std::string& key) {
  keys_.push_back(key);
  const auto at = left_.find(key);
  if (at == left_.end()) return nullptr;
  taken_ = at->second;
  left_.erase(at);
  return &taken_;
}

std::int64_t Description::parsed(const std::string& key, const std::string& value, std::int64_t low,
                                 std::int64_t high) const {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || number < low || number > high)
    fail(key + " takes whole numbers from " + std::to_string(low) + " to " + std::to_string(high) +
         ", got '" + value.substr(0, 40) + "'");
  return number;
}

void Description::keep(const std::string& key, const std::string& value) {
  text_ += (text_.size() == family_.size() ? ":" : ",") + key + "=" + value;
}

}  // namespace thaw
