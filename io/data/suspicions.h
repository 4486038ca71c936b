// What in a set of pictures often means that its figures will flatter: each told as a suspicion, with an example.
#pragma once

#include <string>
#include <vector>

#include "io/data/verify.h"

namespace thaw {

// A split with what verify_images said of it.
struct LookedAt {
  const Dataset& dataset;
  const std::vector<PictureFacts>& facts;
};

// Training files whose bytes stand in another class too. Only files of equal size are read.
std::vector<std::string> copies_in_two_classes(const Dataset& train);

// A property of the files (format, size, colour, EXIF) that tells their class: with it alone one would be right far more
// often than by always saying the most frequent class. Counted without the picture itself, so that a property that
// differs for each picture tells nothing.
std::vector<std::string> telltale_files(const LookedAt& train);

// Decoded pictures of one colour, black ones for instance.
std::vector<std::string> pictures_of_one_colour(const LookedAt& train, const LookedAt& val);

// Decoded pictures of more than one colour that are next to black everywhere.
std::vector<std::string> dark_pictures(const LookedAt& train, const LookedAt& val);

// Decoded validation pictures that look like a training picture (difference_hash), or are one.
std::vector<std::string> near_copies(const LookedAt& train, const LookedAt& val);

}  // namespace thaw
