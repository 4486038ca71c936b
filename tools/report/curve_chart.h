// Curves over the epochs of a run.
#pragma once

#include <string>
#include <vector>

namespace thaw {

struct Curve {
  std::string name;
  std::vector<double> values;  // of epochs 1, 2, ...; NaN: none
};

struct CurveChart {
  std::string title;
  std::vector<Curve> curves;  // up to three
  bool percent = false;       // values are shares, shown in %, in [0, 1]
  int marked_epoch = 0;       // gets a line named `mark`; 0: none
  std::string mark{};

  std::string svg() const;  // an <svg> element for html_page
};

}  // namespace thaw
