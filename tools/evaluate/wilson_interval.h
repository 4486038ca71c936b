// How sure an accuracy is: Wilson's score interval (1927) of a share that was counted.
#pragma once

#include <cstdint>
#include <utility>

namespace thaw {

// The 95 % interval [low, high] of the true share, where `right` of `images` were right: solves
// |p - right / images| = z * sqrt(p * (1 - p) / images). [0, 1] of no images. Throws Error unless 0 <= right <= images.
std::pair<double, double> wilson_interval(std::int64_t right, std::int64_t images);

}  // namespace thaw
