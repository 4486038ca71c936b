#include "tools/program/version.h"

namespace thaw {

const char* thaw_version() {
  return THAW_VERSION;
}

}  // namespace thaw
