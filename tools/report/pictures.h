// Pictures of a dataset in a page, within a number of bytes.
#pragma once

#include <string>

#include "io/data/dataset.h"

namespace thaw {

// Names come from files and may hold anything; this is one line of text, not yet escaped.
std::string name_text(const std::string& name);
// `names` of a sample, escaped, a line each.
std::string names_html(const Sample& sample);

class Pictures {
 public:
  // Shows pictures until they take `most_bytes` of the page.
  explicit Pictures(std::size_t most_bytes) : left_(most_bytes) {}

  bool room() const { return left_ > 0; }
  // <img> elements of a case's first views, at most 4, their longer sides at most `side` pixels. "" where one cannot be
  // read any more, and where there is no room.
  std::string images(const Sample& sample, int side);

 private:
  std::size_t left_;
};

}  // namespace thaw
