// Wrong use that only shows after parsing (an unknown model, options that exclude each other).
#pragma once

#include "kernels/error.h"

namespace thaw {

// Exit code 2 of a program.
class UsageError : public Error {
 public:
  using Error::Error;
};

}  // namespace thaw
