// Which Thaw this is.
#pragma once

namespace thaw {

const char* thaw_version();  // "1.2.3"

}  // namespace thaw
