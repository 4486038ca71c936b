#include "tests/simt/deviceless/described_device.h"

namespace thaw::deviceless {
namespace {

struct Figures {
  int capability, multiprocessors, shared_bytes, clock_khz, memory_clock_khz;
  long long l2_bytes, memory_bytes;
  const char* name;
};

std::string description(const Figures& f) {
  return R"({"maxGridSize":[2147483647,65535,65535],"maxBlockSize":[1024,1024,64],"regsPerBlock":65536,)"
         R"("warpSize":32,"maxSharedMemoryPerBlock":49152,"reservedSharedMemoryPerBlock":1024,)"
         R"("maxRegistersPerSM":65536,"maxCtasPerSM":32,"maxThreadsPerBlock":1024,"maxThreadsPerSM":2048,)"
         R"("pciDeviceId":0,"isTccDriver":0,"supportCoopLaunch":1,"driverVer":13000,"cudaDeviceId":0,)"
         R"("multiProcessorCount":)" +
         std::to_string(f.multiprocessors) + R"(,"maxSharedMemoryPerBlockOptin":)" +
         std::to_string(f.shared_bytes) + R"(,"deviceVer":)" + std::to_string(f.capability) +
         R"(,"smClockRateKHz":)" + std::to_string(f.clock_khz) + R"(,"memClockRateKHz":)" +
         std::to_string(f.memory_clock_khz) + R"(,"l2CacheSize":)" + std::to_string(f.l2_bytes) +
         R"(,"totalGlobalMem":)" + std::to_string(f.memory_bytes) + R"(,"deviceName":")" + f.name + "\"}";
}

}  // namespace

std::vector<DescribedDevice> described_devices() {
  return {{"sm_80",
           description({800, 108, 166912, 1410000, 1593000, 41943040, 85017755648, "NVIDIA A100-SXM4-80GB"})},
          {"sm_90", description({900, 132, 232448, 1980000, 2619000, 52428800, 85017755648,
                                 "NVIDIA H100 80GB HBM3"})}};
}

}  // namespace thaw::deviceless
