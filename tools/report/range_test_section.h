// The curve of --lr find.
#pragma once

#include <string>

#include "optim/range_test.h"

namespace thaw {

// HTML for html_page: the loss against the tried rates, and the rate that was chosen. Empty where none was.
std::string range_test_html(const RangeTest& test);

}  // namespace thaw
