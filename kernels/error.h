// The one exception type. A message says what is wrong, where (file, tensor, op with shapes) and how to mend
// it.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

namespace thaw {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A device has no memory for a request. `said` is the message without advice; in bytes: what was asked for,
// what was handed out, and what could still have been.
struct OutOfMemory : Error {
  OutOfMemory(const std::string& what, std::size_t asked_bytes, std::size_t bytes_in_use,
              std::size_t bytes_available)
      : Error(what + ". Use a smaller batch or smaller pictures"),
        said(what),
        asked(asked_bytes),
        in_use(bytes_in_use),
        available(bytes_available) {}
  std::string said;
  std::size_t asked, in_use, available;
};

// Throws Error(message) unless `condition` holds. For messages that cost time to build, test first and throw.
inline void check(bool condition, const char* message) {
  if (!condition) throw Error(message);
}

inline void check(bool condition, const std::string& message) {
  if (!condition) throw Error(message);
}

}  // namespace thaw
