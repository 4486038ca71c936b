// Activations and weights as the floats that the loops of this folder take.
#pragma once

#include <vector>

#include "kernels/reference/image.h"

namespace thaw::reference {

// The values of a view as floats: the view itself where it is f32, else a converted copy. A null view stays
// null.
class Input {
 public:
  explicit Input(const ConstView& view);
  Input(const Weights& weight, Index count);
  operator Image<const float>() const { return image_; }
  const float* data() const { return image_.data; }

 private:
  std::vector<float> values_;
  Image<const float> image_;
};

// Where an op writes floats: the view itself where it is f32, else a copy that is rounded into the view at
// the end of this object's life. The copy begins with the view's values, for ops that add.
class Output {
 public:
  explicit Output(const View& view);
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  operator Image<float>() const { return image_; }

 private:
  View view_;
  std::vector<float> values_;
  Image<float> image_;
};

}  // namespace thaw::reference
