// A field of a CSV file.
#pragma once

#include <string>

namespace thaw {

// `text`, in quotes where it holds a comma, a quote or a line end (RFC 4180).
std::string csv_field(const std::string& text);

}  // namespace thaw
