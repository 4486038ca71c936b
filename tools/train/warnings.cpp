#include "tools/train/warnings.h"

#include <fmt/format.h>

#include <algorithm>

#include "io/file/text.h"

namespace thaw {
namespace {

constexpr std::size_t first_epochs = 3;
constexpr double explosion = 3;  // times the smallest loss before

bool explodes(const std::vector<EpochMetrics>& epochs, std::size_t at) {
  double least = epochs.front().train_loss;
  for (std::size_t i = 0; i < at; ++i) least = std::min(least, epochs[i].train_loss);
  return at > 0 && epochs[at].train_loss > explosion * least && epochs[at].train_loss > 1;
}

}  // namespace

std::string loss_warning(const std::vector<EpochMetrics>& epochs, const TrainOptions& options) {
  const double lr = options.base_lr();
  const char* find = options.lr_find ? "" : ", or --lr find";
  const std::size_t newest = epochs.size() - 1;
  bool said = false;
  for (std::size_t i = 0; i < newest; ++i) said = said || explodes(epochs, i);
  if (!said && explodes(epochs, newest))
    return fmt::format(
        "warning: the training loss has risen to {:.4g}; try a smaller --lr than {:g}, --warmup-epochs 1, "
        "--clip-grad 1{}\n",
        epochs.back().train_loss, lr, find);
  const double first = epochs.front().train_loss, last = epochs.back().train_loss;
  if (epochs.size() == first_epochs && last > 0.95 * first && epochs.back().train_accuracy < 0.95)
    return fmt::format(
        "warning: the training loss hardly falls: {:.4f} in epoch 1, {:.4f} in epoch {}; try a larger or "
        "smaller --lr than {:g}, freeze less{}\n",
        first, last, epochs.size(), lr, find);
  return "";
}

std::string majority_warning(const EvaluationReport& best, const TrainOptions& options) {
  if (best.images == 0) return "";
  std::size_t most = 0;
  std::vector<std::int64_t> counts(best.classes.size());
  for (const int label : best.labels) ++counts.at(static_cast<std::size_t>(label));
  for (std::size_t c = 0; c < counts.size(); ++c)
    if (counts[c] > counts[most]) most = c;
  const double share = static_cast<double>(counts[most]) / static_cast<double>(best.images);
  if (best.top1 > share) return "";
  return fmt::format(
      "warning: validation accuracy {:.4f} is no better than always saying {} ({:.4f}); try more "
      "--epochs{}{}, "
      "and look at the pictures\n",
      best.top1, printable(best.classes[most], 60), share, options.lr_find ? "" : ", --lr find",
      options.balanced() ? "" : ", --class-weights balanced");
}

}  // namespace thaw
