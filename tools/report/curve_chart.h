// Curves over the epochs of a run.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/report/axis.h"

namespace thaw {

struct Curve {
  std::string name;
  std::vector<double> values;  // of the chart's epochs, 0 or more; NaN: none
  // Where they may truly lie, drawn as a band; empty: no band.
  std::vector<std::pair<double, double>> intervals{};
};

struct CurveChart {
  std::string title;
  std::vector<Curve> curves;  // of more than three, all but the first two look like the third
  bool percent = false;       // values are shares, shown in %, in [0, 1]
  int marked_epoch = 0;       // gets a line named `mark`; 0: none
  std::string mark{};
  int first_epoch = 1;
  std::optional<Axis> axis{};  // for charts that are to be compared; else one that fits the values

  // The axis that fits the values.
  Axis fitting_axis() const;
  std::string svg()
      const;  // an <svg> element for html_page; an axis that does not begin at 0 says where it does
};

}  // namespace thaw
