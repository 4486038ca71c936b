// What a run learned from: pictures of every class and split, some of them to look at, and what the scan found.
#pragma once

#include <string>

#include "io/data/dataset.h"

namespace thaw {

// HTML for html_page. The lines of splits.notes are what the scan found. Reads some training pictures of each class from
// their files; how many classes it shows none of, to keep the page small, is said.
std::string data_html(const DatasetSplits& splits);

}  // namespace thaw
