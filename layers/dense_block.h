// A whole DenseNet block (Huang et al. 2017) as one node over one buffer, and the transition after it.
//
// Forward: the buffer [N, in + layers * growth, H, W] begins with the block's input; each layer reads all
// channels before its own and writes its slice. No layer concatenates, and the batch statistics of a channel
// are computed once, for every BatchNorm that later reads it.
// Saved: the buffer, and per layer conv1's output; what norm1 and norm2 made of them is computed again.
// Backward: y_l = gamma_l * xhat + beta_l with one xhat for all norm1 that use the batch, so the sum over l
// of gamma_l * g_l is the loss's gradient with respect to xhat. It is gathered layer by layer, and the
// backward pass of the normalisation is done once per channel, when the layer that made the channel needs its
// gradient.
#pragma once

#include <memory>
#include <vector>

#include "layers/dense_layer.h"
#include "layers/pool2d.h"

namespace thaw {

// slices: as above. concat: one node per op and a concatenation before every layer, as torchvision computes
// it; for comparison.
enum class DenseForm { slices, concat };

class DenseBlock : public Module {
 public:
  DenseBlock(std::int64_t in, std::int64_t growth, std::int64_t layers, std::int64_t bn_size);
  // x: [N, in, H, W] -> [N, out(), H, W]. In eval mode no parameter gets a gradient.
  Variable forward(const Variable& x, Mode mode) override;
  // Also tells the statistics of all channels of the result if a BatchNorm of the block used the batch, else
  // leaves `statistics` undefined.
  Variable forward(const Variable& x, Mode mode, BatchStatistics& statistics);

  std::int64_t in() const { return layers_.front()->in(); }
  std::int64_t out() const { return layers_.back()->in() + layers_.back()->growth(); }

  DenseForm form = DenseForm::slices;

 private:
  friend class DenseBlockPass;
  const Tensor& ones(Backend& backend);  // f32 [out()]
  std::vector<std::unique_ptr<DenseLayer>> layers_;
  Tensor ones_;  // made when first needed: a recorded step cannot upload it
};

// relu(norm(x)), 1x1 convolution to `out` channels, 2x2 average pooling. The pooling is done before the
// convolution, which commutes with it and then has a quarter of the work.
class DenseTransition : public Module {
 public:
  DenseTransition(std::int64_t in, std::int64_t out);
  Variable forward(const Variable& x, Mode mode) override;  // [N, in, H, W] -> [N, out, H / 2, W / 2]
  // `statistics`: of x, or undefined.
  Variable forward(const Variable& x, Mode mode, const BatchStatistics& statistics);

  DenseForm form = DenseForm::slices;  // concat: convolution first, as torchvision computes it

 private:
  BatchNorm2d norm_;
  ReLU relu_;  // only counts as a child
  Conv2d conv_;
  AvgPool2d pool_;
};

// Sets the form of every block and transition below `module`.
void set_dense_form(Module& module, DenseForm form);

}  // namespace thaw
