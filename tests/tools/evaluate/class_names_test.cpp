// Names of classes: those of a file, and ImageNet's.
#include <set>

#include "kernels/error.h"
#include "tests/support/temp_folder.h"
#include "tools/evaluate/class_name_file.h"
#include "tools/evaluate/imagenet_classes.h"

namespace thaw::testing {
namespace {

using Names = std::vector<std::string>;

TEST_CASE("class names of a file: UTF-8, a line each, as editors of all systems write them") {
  const TempFolder folder;
  const std::string file = folder.file("names.txt");
  const auto names = [&](const std::string& text, std::size_t classes) {
    write_file(file, text);
    return read_class_names(file, classes);
  };
  CHECK(names("cat, tabby\ndog\n", 2) == Names{"cat, tabby", "dog"});
  CHECK(names("\xef\xbb\xbf"
              "b\xc3\xa4r\r\nwolf",
              2) == Names{"b\xc3\xa4r", "wolf"});
  const std::pair<std::string, std::string> refused[] = {
      {"cat\n", "holds 1 names, but the network has 2 classes"},
      {"cat\n\ndog\n", "line 2 is empty"},
      {"cat\nb\xe4r\n", "line 2 is not UTF-8; convert the file, for instance with iconv -f LATIN1 -t UTF-8"},
      {std::string("\xff\xfe"
                   "c\0a\0",
                   6),
       "line 1 is not UTF-8; convert the file, for instance with iconv -f UTF-16 -t UTF-8"},
  };
  for (const auto& [text, said] : refused) {
    std::string message;
    try {
      names(text, 2);
    } catch (const Error& e) {
      message = e.what();
    }
    CAPTURE(message);
    CHECK(message.starts_with(file + ": "));
    CHECK(message.find(said) != std::string::npos);
    CHECK(message.size() <= 300);
  }
}

TEST_CASE("ImageNet's names: 1000 different ones in torchvision's order") {
  const Names names = imagenet_classes();
  REQUIRE(names.size() == 1000);
  CHECK(std::set<std::string>(names.begin(), names.end()).size() == 1000);
  CHECK(names[0] == "tench");
  CHECK(names[1] == "goldfish");
  CHECK(names[134] == "crane bird");
  CHECK(names[281] == "tabby");
  CHECK(names[517] == "crane");
  CHECK(names[638] == "maillot");
  CHECK(names[639] == "maillot tank suit");
  CHECK(names[999] == "toilet tissue");
}

}  // namespace
}  // namespace thaw::testing
