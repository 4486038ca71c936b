// The ops that `bench` times, as --only names them.
#pragma once

#include <string>
#include <type_traits>
#include <vector>

#include "kernels/op_list.h"

namespace thaw::bench {

// clang-format off
using TimedOps = List<
    Conv2dForward, Conv2dBackwardData, Conv2dBackwardWeight,
    BatchNormStatistics, BatchNormApply, BatchNormBackwardReduce, BatchNormBackwardApply,
    MaxPool2dForward, MaxPool2dBackward,
    NormReluPoolForward, NormReluPoolBackwardReduce, NormReluPoolBackwardApply,
    ReluForward, Add, GlobalAvgPoolForward, NormalizeU8, GradientNorm, SgdStep>;
// clang-format on

template <class Op, class... Listed>
constexpr bool is_listed(List<Listed...>) {
  return (std::is_same_v<Op, Listed> || ...);
}

template <class... Op>
std::vector<std::string> names_of(List<Op...>) {
  return {Op::name...};
}

// Throws UsageError with the nearest names unless `only` is part of the name of one of them, or "limits": no op at all, the
// machine's limits alone.
void check_only(const std::string& only);

}  // namespace thaw::bench
