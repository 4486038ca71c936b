// Pictures of other projects, where they lie beside the sources (or in $THAW_DATA): every file that Pillow
// decodes is decoded with the same size, or refused for a reason that is known here.
#include <doctest/doctest.h>

#include <cstdlib>
#include <sstream>

#include "tests/io/picture/image_files.h"

using namespace thaw;
using namespace thaw::test;

TEST_CASE("odd pictures decode as Pillow's table says") {
  const char* given = std::getenv("THAW_DATA");
  const std::filesystem::path folder =
      std::filesystem::path(given != nullptr ? given : THAW_SOURCE_DIR "/../shared/data") / "odd_images";
  std::ifstream table(folder / "decode_by_pil.tsv");
  if (!table) {
    MESSAGE("not run: no odd_images beside the sources or in $THAW_DATA");
    return;
  }
  int decoded = 0;
  std::string line;
  std::getline(table, line);
  while (std::getline(table, line)) {
    std::istringstream fields(line);
    std::string file, bytes, format, mode, size, header, result;
    for (std::string* field : {&file, &bytes, &format, &mode, &size, &header, &result})
      std::getline(fields, *field, '\t');
    const std::string path = (folder / file).string();
    if (!std::filesystem::exists(path)) continue;
    CAPTURE(file);
    const bool arithmetic = has(header, "SOF9"), bad_entropy = has(file, "hopper_bad_exif");
    const bool foreign = format == "TIFF" || format == "WEBP" || format == "GIF" || format == "ICO";
    Image image;
    const std::string error = error_of([&] { image = read_image(path, 3); });
    CHECK(error.empty() == (result == "ok" && !arithmetic && !bad_entropy && !foreign));
    if (!error.empty()) continue;
    ++decoded;
    const bool turned = has(file, "orientation_rectangle");
    const std::string expected = turned ? "(1, 2)" : size;
    CHECK("(" + std::to_string(image.width) + ", " + std::to_string(image.height) + ")" == expected);
  }
  CHECK(decoded > 0);
}
