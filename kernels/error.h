// The one exception type. A message says what is wrong, where (file, tensor, op with shapes) and how to mend
// it.
#pragma once

#include <stdexcept>
#include <string>

namespace thaw {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws Error(message) unless `condition` holds. For messages that cost time to build, test first and throw.
inline void check(bool condition, const char* message) {
  if (!condition) throw Error(message);
}

inline void check(bool condition, const std::string& message) {
  if (!condition) throw Error(message);
}

}  // namespace thaw
