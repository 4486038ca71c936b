// From a batch of the loader to the network's input on its device.
#pragma once

#include <span>

#include "io/data/loader.h"
#include "tensor/variable.h"

namespace thaw {

class ImageInput {
 public:
  // Holds mean and std on `backend`, which must outlive it. Inputs are made in the precision `activations`.
  ImageInput(Backend& backend, const Preprocess& preprocess, DType activations);

  // u8 pictures [N,C,H,W] in host memory -> normalised input [N,C,H,W] on the device, pictures with flip 1
  // mirrored. `flips` is empty or holds N values.
  Variable operator()(const Tensor& images, std::span<const std::uint8_t> flips) const;

  Backend& backend() const { return *backend_; }

  // The same from pictures that are on the device already; `flips` lies there too and may be null.
  Variable normalized(const Tensor& images, const std::uint8_t* flips) const;

 private:
  Backend* backend_;
  DType activations_;
  Tensor mean_, std_;  // f32 [C]
};

}  // namespace thaw
