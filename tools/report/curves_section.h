// The curves of a run over its epochs, and what they say.
#pragma once

#include <string>

#include "tools/report/page.h"

namespace thaw {

// HTML for html_page: loss, accuracy and learning rate. Of no epochs: "".
std::string curves_html(const ReportPage& page);

}  // namespace thaw
