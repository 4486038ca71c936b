// The file of --output-features in its three formats.
#include "tools/predict/feature_file.h"

#include <cstring>

#include "io/weights/safetensors.h"
#include "tests/support/temp_folder.h"
#include "tools/program/usage_error.h"

namespace thaw::testing {
namespace {

void write_rows(const std::string& path) {
  FeatureFile file(path);
  file.add("a,b.png", {1.0f, -0.1f, 3e-9f});
  file.add("c.png", {0.0f, 2.5f, 1e20f});
  file.write();
}

TEST_CASE("features as NumPy reads them") {
  const TempFolder folder;
  write_rows(folder.file("f.npy"));
  const std::string bytes = read_file(folder.file("f.npy"));
  REQUIRE(bytes.size() == 128 + 6 * sizeof(float));
  // numpy/lib/format.py: the magic string, version 1.0, the header's length, a dict, spaces, a line end.
  CHECK(bytes.substr(0, 10) == std::string("\x93NUMPY\x01\x00\x76\x00", 10));
  CHECK(bytes.substr(10).starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }  "));
  CHECK(bytes[127] == '\n');
  const float expected[] = {1.0f, -0.1f, 3e-9f, 0.0f, 2.5f, 1e20f};
  CHECK(std::memcmp(bytes.data() + 128, expected, sizeof(expected)) == 0);
}

TEST_CASE("features as CSV and safetensors, with the names of the pictures") {
  const TempFolder folder;
  write_rows(folder.file("f.csv"));
  CHECK(read_file(folder.file("f.csv")) ==
        "image,feature_0,feature_1,feature_2\n\"a,b.png\",1,-0.1,3e-09\nc.png,0,2.5,1e+20\n");
  write_rows(folder.file("f.safetensors"));
  const SafetensorsFile file = read_safetensors(folder.file("f.safetensors"));
  CHECK(file.metadata.at("images") == R"(["a,b.png","c.png"])");
  CHECK(file.tensors.find("features")->shape() == Shape{2, 3});
  CHECK(to_contiguous(*file.tensors.find("features")) ==
        std::vector<float>{1.0f, -0.1f, 3e-9f, 0.0f, 2.5f, 1e20f});
}

TEST_CASE(
    "features: another ending, a file that is there and a missing folder are refused before anything is "
    "computed") {
  const TempFolder folder;
  CHECK_THROWS_AS(FeatureFile(folder.file("f.txt")), UsageError);
  write_file(folder.file("f.npy"), "mine");
  CHECK_THROWS_AS(FeatureFile(folder.file("f.npy")), Error);
  CHECK(read_file(folder.file("f.npy")) == "mine");
  CHECK_THROWS_WITH_AS(FeatureFile(folder.file("none/f.npy")), doctest::Contains("its folder is not there"),
                       Error);
}

}  // namespace
}  // namespace thaw::testing
