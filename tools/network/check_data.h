// A look at every picture before a program works with them.
#pragma once

#include <string>
#include <vector>

#include "io/data/verify.h"
#include "tools/network/data_options.h"

namespace thaw {

struct CheckedData {
  std::string bad;                               // a line "path: reason" for each picture that was left out
  std::vector<std::string> notes;                // for people
  std::vector<std::vector<PictureFacts>> facts;  // of each part, as VerifyReport's
};

// Reads the headers of all pictures of `parts`, or all of them: with --scan full, --on-bad-image skip, or where --scan auto
// finds few pixels. Bad pictures: told on stderr, and then an Error that names the first, or with `skip` taken out. Throws
// Error too where more than --max-bad-fraction of a part is bad.
CheckedData check_data(const std::vector<Dataset*>& parts, const DataOptions& options);

// The same of what a network is to be trained and validated on, with what io/data/suspicions.h finds among the notes.
CheckedData check_training_data(Dataset& train, Dataset& val, const DataOptions& options);

}  // namespace thaw
