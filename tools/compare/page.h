// compare's page: the picture, the table, and how both were made.
#pragma once

#include <string>
#include <vector>

#include "tools/compare/result.h"

namespace thaw {

// One self-contained HTML document. `command` is shown as it is; `data_notes`: what a look at the pictures found.
std::string compare_page(const std::vector<CompareRow>& rows, const std::string& command,
                         const std::vector<std::string>& data_notes = {});

// The picture: accuracy of each plan, a dot per seed, the mean with its standard error. An <svg> element for
// html_page.
std::string compare_chart(const std::vector<CompareRow>& rows);

}  // namespace thaw
