// A look at every picture before a program works with them.
#pragma once

#include <string>
#include <vector>

#include "io/data/verify.h"
#include "tools/network/data_options.h"

namespace thaw {

struct CheckedData {
  bool full = false;                             // whether every pixel was looked at, not the headers alone
  std::string bad;                               // a line "path: reason" for each picture that was left out
  std::vector<std::string> notes;                // for people
  std::vector<std::vector<PictureFacts>> facts;  // of each part, as VerifyReport's
};

// Reads the headers of all pictures of `parts`; all of them with --scan full, with --on-bad-image skip, and with --scan auto
// where they have at most `few_pixels` together. Bad pictures: told on stderr, and then an Error that names the first, or with
// `skip` taken out. Throws Error too where more than --max-bad-fraction of a part is bad.
CheckedData check_data(const std::vector<Dataset*>& parts, const DataOptions& options,
                       std::int64_t few_pixels = 0);

// The same of what a network is to be trained and validated on, with what io/data/suspicions.h finds among the notes.
// With known_notes these, and --scan auto reads headers only.
CheckedData check_training_data(Dataset& train, Dataset& val, const DataOptions& options);

}  // namespace thaw
