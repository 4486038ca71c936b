#include "tools/report/data_section.h"

#include "tests/tools/programs.h"

namespace thaw::testing {
namespace {

TEST_CASE(
    "data section: counts of every class and split, pictures to look at, and the scan's notes as text") {
  const TempFolder folder;
  make_pictures(folder.file("data"), 9, 3);
  DatasetSplits splits = scan_class_folders(folder.file("data"));
  splits.train.classes[1] = "<light>";
  splits.notes = {"2 files are <b>bad</b>"};
  const std::string html = data_html(splits);
  CHECK(html.find("<th>training</th><th>validation</th><th></th>") != std::string::npos);
  CHECK(html.find("<td>dark</td><td>9</td><td>3</td>") != std::string::npos);
  CHECK(html.find("<td>&lt;light&gt;</td><td>9</td><td>3</td>") != std::string::npos);
  CHECK(html.find("<td>18</td><td>6</td>") != std::string::npos);
  CHECK(html.find("<b>dark</b>, is 50.00 % of the validation pictures") != std::string::npos);
  CHECK(html.find("<li>2 files are &lt;b&gt;bad&lt;/b&gt;</li>") != std::string::npos);
  CHECK(occurrences(html, "<img") == 12);
  CHECK(html.find("left out") == std::string::npos);
}

TEST_CASE(
    "data section: 200 classes of large noise stay below a megabyte and a bit, and it says what is left "
    "out") {
  const TempFolder folder;
  DatasetSplits splits;
  make_pictures(folder.file("data"), 1, 1, 100);
  const std::string path = folder.file("data") + "/train/light/0.png";
  for (int c = 0; c < 200; ++c) {
    splits.train.classes.push_back("class" + std::to_string(c));
    splits.train.samples.push_back({path, std::to_string(c), c});
  }
  const std::string html = data_html(splits);
  CHECK(html.size() < std::size_t{1200} << 10);
  const std::size_t shown = occurrences(html, "<figure>");
  CHECK(shown > 20);
  CHECK(html.find("Pictures of " + std::to_string(shown) + " of 200 classes; " + std::to_string(200 - shown) +
                  " classes are left out") != std::string::npos);
  CHECK(html.find("of the training pictures") != std::string::npos);
}

}  // namespace
}  // namespace thaw::testing
