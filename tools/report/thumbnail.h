// Small pictures inside a page.
#pragma once

#include <string>

namespace thaw {

// The picture of a file as "data:image/png;base64,...", its longer side at most `side` pixels; smaller ones
// stay as they are. Throws Error as read_image does.
std::string thumbnail(const std::string& path, int side);

}  // namespace thaw
