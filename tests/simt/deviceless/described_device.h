// GPUs that cuDNN can be asked about without having them (cuDNN >= 9.8, "deviceless ahead-of-time
// compilation").
#pragma once

#include <string>
#include <vector>

namespace thaw::deviceless {

struct DescribedDevice {
  std::string name;  // "sm_90"
  std::string json;  // for device_described() of kernels/cuda/cudnn_graph.h
};

// One A100 (sm_80) and one H100 (sm_90), with the figures that their drivers report.
std::vector<DescribedDevice> described_devices();

}  // namespace thaw::deviceless
