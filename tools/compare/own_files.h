// The pages that a comparison writes, and those of others.
#pragma once

#include "tools/program/output_directory.h"

namespace thaw {

// Throws Error where compare.md, compare.html or compare.json in `output` is nothing that compare wrote, and says what to
// do: it would be overwritten.
void check_own_files(const OutputDirectory& output);

}  // namespace thaw
