// One pass through a DenseBlock in the sliced form: forward, and what it keeps for backward. See
// dense_block.h.
#pragma once

#include <vector>

#include "layers/dense_block.h"

namespace thaw {

class DenseBlockPass {
 public:
  DenseBlockPass(DenseBlock& block, const Variable& x, Mode mode);

  Tensor forward();                 // the whole buffer; once
  void backward(const Tensor& dy);  // once, after forward
  // Of all channels, if any BatchNorm of the block used the batch.
  const BatchStatistics& statistics() const { return statistics_; }
  bool parameters_want() const { return parameters_want_; }

 private:
  // What backward reads of one layer.
  struct Saved {
    bool batch1 = false, batch2 = false, folded = false;
    BatchStatistics by1, by2;  // what norm1 and norm2 normalised by
    Tensor weight1;            // conv1's weights if folded
    Tensor middle;             // conv1's output; if folded, norm2 and its ReLU are done
  };
  Shape shape(std::int64_t channels) const;
  // `channels` channels at the beginning of a scratch tensor.
  Tensor part(const Tensor& scratch, std::int64_t channels) const;
  void know_statistics(std::int64_t channels);
  void normalize(const BatchNorm2d& bn, const Tensor& x, const BatchStatistics& statistics, const Tensor& y,
                 std::uint8_t* mask);

  void layer_forward(std::size_t index, const Tensor& scratch);
  void write_slice(const Conv2d& conv, const Tensor& x, const Tensor& slice);

  // Whether a gradient with respect to the channels before layer `index` is wanted.
  bool input_wants(std::size_t index) const { return x_wants_ || index > first_; }
  void layer_backward(std::size_t index, const Tensor& dy);
  void norm2_backward(DenseLayer& layer, const Saved& saved, const Tensor& dy, bool deeper);
  void norm1_backward(std::size_t index, const Tensor& dy);
  // The gradient of channels [begin, end): dy's, and what later layers gave.
  Tensor slice_gradient(const Tensor& dy, std::int64_t begin, std::int64_t end);

  DenseBlock& block_;
  Backend& backend_;
  Mode mode_;
  Tensor input_;  // until forward has copied it
  Variable x_;    // the edge
  Shape shape_;
  DType type_;
  bool x_wants_, parameters_want_ = false;
  std::size_t first_ = 0;  // the first layer with a parameter that wants a gradient, or their number
  Tensor buffer_;
  BatchStatistics statistics_;
  std::int64_t known_ = 0;  // channels whose statistics are computed
  std::vector<Saved> saved_;
  Tensor scratch_, mask_;  // backward: norm1's output, then its gradient; a ReLU's mask
  // Gradients of the buffer's first channels, gathered from layer to layer, the last one first: with respect
  // to xhat, through norm1 layers that used the batch; with respect to the buffer, through the others.
  Tensor through_batch_, through_running_;
};

}  // namespace thaw
