// A network in words: "FAMILY:KEY=VALUE,...", for instance "resnet:block=bottleneck,blocks=3-4-6-3,groups=32".
//
// A family asks for each of its keys once, in one order; what it did not ask for is not a key. All that is wrong throws
// Error, in words that name the family and the key.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace thaw {

class Description {
 public:
  static constexpr std::size_t longest = 200;  // characters

  // FAMILY or FAMILY:KEY=VALUE,... with letters, digits, _ and - between the signs.
  explicit Description(const std::string& text);

  const std::string& family() const { return family_; }

  std::int64_t number(const std::string& key, std::int64_t low, std::int64_t high, std::int64_t otherwise);
  // Numbers joined by -, 1 to `most` of them; the key must be there.
  std::vector<std::int64_t> numbers(const std::string& key, std::int64_t low, std::int64_t high,
                                    std::size_t most);
  // The index of the value in `words`; the first where the key is absent.
  std::size_t choice(const std::string& key, const std::vector<std::string>& words);
  // After the last question: throws where a key is left over, with the nearest ones.
  void finish() const;

  // The same description without what is usual, in the order of the questions: one text for one network.
  const std::string& text() const { return text_; }

  // "resnet: WHAT"
  [[noreturn]] void fail(const std::string& what) const;
  // Refuses what no machine here would train.
  void limit_weights(std::int64_t weights) const;

 private:
  const std::string* take(const std::string& key);
  std::int64_t parsed(const std::string& key, const std::string& value, std::int64_t low,
                      std::int64_t high) const;
  void keep(const std::string& key, const std::string& value);

  std::string family_, text_;
  std::map<std::string, std::string> left_;  // what nobody asked for yet
  std::vector<std::string> keys_;            // what was asked for
  std::string taken_;
};

}  // namespace thaw
