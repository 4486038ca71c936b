// From a decoded picture of any size to the network's input: uint8 [input_size][input_size][channels].
//
// Normalisation (mean, std) and the horizontal flip are done by a device op on the whole batch; they are
// carried here because they belong to the same recipe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "io/picture/image.h"
#include "kernels/philox.h"

namespace thaw {

// All that prediction needs to know; stored in checkpoints.
struct Preprocess {
  int input_size = 224;
  double crop_pct = 0.875;  // in (0, 1]: the share of the resized shorter side that the centre crop keeps
  int channels = 3;         // 1 or 3
  std::vector<float> mean{0.485f, 0.456f, 0.406f};  // per channel, of pixels scaled to [0, 1]
  std::vector<float> std{0.229f, 0.224f, 0.225f};

  int resize_size() const;  // round(input_size / crop_pct): the shorter side before the centre crop
  void validate() const;    // throws Error naming the bad field
};

// How pictures vary between epochs.
struct Augment {
  double scale_min = 0.08;  // share of the picture's area that a random crop takes
  double scale_max = 1.0;
  double ratio_min = 3.0 / 4.0;  // width / height of a random crop
  double ratio_max = 4.0 / 3.0;
  double flip = 0.5;  // probability of a horizontal flip
  int padding = 4;    // of small pictures, see below
};

// Evaluation: the shorter side to resize_size() (the longer one to int(size * long / short), as torchvision),
// then the centre crop of input_size (offsets rounded half to even, as torchvision). A picture whose shorter
// side already has that size is not resampled. Writes input_size^2 * channels bytes to `out`; `image` must
// have preprocess.channels channels.
void transform_eval(const Image& image, const Preprocess& preprocess, std::uint8_t* out);

// Training: torchvision's RandomResizedCrop (10 tries, then a centre crop of allowed ratio). Where input_size
// <= 64 and the picture is input_size x input_size already, the habit of CIFAR instead: `padding` zeros
// around it and a random crop of input_size. Returns whether the caller must flip the picture. Draws from
// `random` only, so the same stream gives the same bits: PhiloxStream(seed, Purpose::augment, epoch, index of
// the sample).
bool transform_train(const Image& image, const Preprocess& preprocess, const Augment& augment,
                     PhiloxStream& random, std::uint8_t* out);

}  // namespace thaw
