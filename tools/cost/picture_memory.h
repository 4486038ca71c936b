// How much memory a session's pictures take, and what to say when it was not enough.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "io/data/loader.h"
#include "kernels/error.h"
#include "tools/network/session.h"

namespace thaw {

// The peak of device memory of a training step or of a pass in evaluation is about `fixed` + cases * `each`
// bytes above what is in use before it.
struct PictureMemory {
  std::size_t fixed = 0, each = 0;
  std::int64_t smallest = 1;  // batch that can run: BatchNorm in training needs two values
};

// One pass over a batch. It is made by a function that may prepare what lies in memory before (an optimizer).
using BatchPass = std::function<void(const Batch&)>;

// Of the pass that `prepare` makes for a session with the network, freezing and precision of this one,
// counted on a backend that computes nothing: libraries' workspaces are not in it. `smallest`: the fewest
// cases that the pass can take.
PictureMemory picture_memory(const Session& session, const std::function<BatchPass(Session&)>& prepare,
                             std::int64_t smallest = 1);

// `error` with a batch size that would fit: what the device had left of its memory beside `before`, the bytes
// in use before the batch of `cases`, by `counted` or, where that is more, by what the failed batch had
// taken.
Error too_large_batch(const OutOfMemory& error, const PictureMemory& counted, std::size_t before,
                      std::int64_t cases);

}  // namespace thaw
