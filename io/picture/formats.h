// The picture formats that are read: the one table of them.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "io/picture/decoders.h"

namespace thaw::image_detail {

struct PictureFormat {
  const char* name;        // "JPEG"
  const char* extensions;  // of its files, lower case, each after a dot: ".jpg.jpeg"
  bool (*recognise)(Bytes file);
  ImageHeader (*header)(Bytes file, const ImageLimits& limits);
  Decoded (*decode)(Bytes file, const ImageLimits& limits);
  // Whether the header can be read from a file's beginning; else all pixels must be there.
  bool header_first;
};

// In the order in which they are tried; TGA, which has no signature, is the last one.
std::span<const PictureFormat> picture_formats();

// The format of the content. Throws Error with the reason, and what to do, if it is none of them.
const PictureFormat& format_of(Bytes file);

// ".jpg" of "a/b.JPG"; empty: none.
std::string extension_of(const std::string& name);

// The format that a file's name promises by its extension; null: none.
const PictureFormat* format_of_name(const std::string& name);

// "JPEG, PNG, BMP, PNM and TGA".
std::string picture_format_names();

// "jpg, jpeg, png, ...".
std::string picture_extensions();

}  // namespace thaw::image_detail
