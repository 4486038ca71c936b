// The one list of what a device can do. Each op is a struct in kernels/ops; kernels/reference says in plain
// loops what each one means, kernels/cpu and kernels/cuda do the same fast.
#pragma once

#include "kernels/ops/activation.h"
#include "kernels/ops/batch_norm.h"
#include "kernels/ops/conv2d.h"
#include "kernels/ops/dropout.h"
#include "kernels/ops/elementwise.h"
#include "kernels/ops/flatten.h"
#include "kernels/ops/linear.h"
#include "kernels/ops/losses.h"
#include "kernels/ops/norm_relu_pool.h"
#include "kernels/ops/normalize.h"
#include "kernels/ops/optimizer_step.h"
#include "kernels/ops/pool2d.h"
#include "kernels/ops/shortcut_a.h"

namespace thaw {

template <class... Op>
struct List {};

// clang-format off
using Ops = List<
    NormalizeU8,
    Conv2dForward, Conv2dBackwardData, Conv2dBackwardWeight, BiasBackward,
    LinearForward, LinearBackwardData, LinearBackwardWeight,
    BatchNormStatistics, BatchNormApply, BatchNormBackwardReduce, BatchNormBackwardApply, BatchNormRunning,
    ReluForward, ReluBackward,
    MaxPool2dForward, MaxPool2dBackward, AvgPool2dForward, AvgPool2dBackward,
    GlobalAvgPoolForward, GlobalAvgPoolBackward,
    NormReluPoolForward, NormReluPoolBackwardReduce, NormReluPoolBackwardApply,
    DropoutForward,
    Copy, Add,
    FlattenForward, FlattenBackward,
    ShortcutAForward, ShortcutABackward,
    SoftmaxCrossEntropy, BinaryCrossEntropyWithLogits,
    GradientNorm, SgdStep, AdamWStep>;
// clang-format on

}  // namespace thaw
