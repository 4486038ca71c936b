// The names of ImageNet's classes.
#pragma once

#include <string>
#include <vector>

namespace thaw {

// 1000 names, in the order of the outputs of torchvision's and timm's networks.
std::vector<std::string> imagenet_classes();

}  // namespace thaw
