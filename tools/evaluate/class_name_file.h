// Names of classes that a user gives in a file.
#pragma once

#include <string>
#include <vector>

namespace thaw {

// One name a line, UTF-8, in the order of the network's outputs; a byte order mark is passed over. Throws Error where the
// file cannot be read, a line is empty or no UTF-8, or there are not `classes` of them.
std::vector<std::string> read_class_names(const std::string& file, std::size_t classes);

}  // namespace thaw
