// A look at every picture before training.
#pragma once

#include <string>
#include <vector>

#include "io/data/dataset.h"
#include "io/picture/image.h"
#include "io/picture/perceptual_hash.h"

namespace thaw {

struct BadSample {
  std::size_t index = 0;  // into Dataset::samples
  std::string path;
  std::string reason;
};

// What a look at a file said. The header's part is there for every good one.
struct PictureFacts {
  bool good = false;
  ImageHeader header{};
  bool decoded = false;
  PictureHash hash{};       // of a decoded one
  bool one_colour = false;  // of a decoded one
  bool dark = false;        // of a decoded one: next to black everywhere
};

struct VerifyReport {
  std::vector<BadSample> bad;         // in the order of the samples
  std::vector<std::string> notes{};   // counted: "12 files: JPEG named .png (first: a/b.png)"
  std::vector<PictureFacts> facts{};  // [samples * views], the views of a sample in a row

  std::int64_t pixels() const;  // of all good ones
  std::string table() const;    // of the bad ones, a line "path: reason" each
};

// Reads the header of every file, all views (`full`: decodes it) on `threads` threads. Throws nothing for bad
// pictures.
VerifyReport verify_images(const Dataset& dataset, int threads, bool full = false,
                           const ImageLimits& limits = {});

// Takes the bad samples out, and their facts. Throws Error when more than `max_fraction` of the samples are bad or a class
// would be left without pictures.
void drop_bad(Dataset& dataset, VerifyReport& report, double max_fraction);

}  // namespace thaw
