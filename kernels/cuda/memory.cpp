#include "kernels/cuda/memory.h"

#include <algorithm>
#include <cstdlib>
#include <string>

namespace thaw::cuda {
namespace {

std::size_t round_up(std::size_t bytes, std::size_t to) {
  return (bytes + to - 1) / to * to;
}

}  // namespace

PoolPolicy device_pool_policy() {
  constexpr std::size_t mebibyte = std::size_t{1} << 20;
  return {.granularity = 512,
          .large = mebibyte,
          .large_granularity = 2 * mebibyte,
          .slack_percent = 25,
          .upload_ring = 64 * mebibyte};
}

PoolPolicy chosen_pool_policy(PoolPolicy usual) {
  const char* value = std::getenv("THAW_POOL");
  if (value == nullptr) return usual;
  if (std::string(value) != "passthrough")
    throw Error("the environment variable THAW_POOL is '" + std::string(value) +
                "'; it takes passthrough, or leave it unset");
  return {.granularity = 1, .passthrough = true, .upload_ring = usual.upload_ring};
}

Pool::~Pool() {
  for (const auto& [pointer, block] : blocks_) cudaFree(pointer);
}

void* Pool::allocate(std::size_t bytes) {
  if (bytes > (std::size_t{1} << 62))
    throw Error("cuda: a request of " + std::to_string(bytes) + " bytes of memory");
  const std::size_t wanted = std::max(bytes, std::size_t{1});
  const bool large = policy_.large > 0 && wanted >= policy_.large;
  const std::size_t size = round_up(wanted, large ? policy_.large_granularity : policy_.granularity);
  void* pointer = nullptr;
  if (!policy_.passthrough && recording_ != 0) pointer = take(recording_, size);
  if (!policy_.passthrough && !pointer) pointer = take(0, size);
  const bool reused = pointer != nullptr;
  if (!pointer) pointer = grow(bytes, size);
  Block& block = blocks_.at(pointer);
  block.free = false;
  block.owner = recording_;
  in_use_ += block.bytes;
  peak_ = std::max(peak_, in_use_);
  if (reused && policy_.poison)
    check(cudaMemsetAsync(pointer, 0xFF, block.bytes, queue_.stream), "filling a block");
  return pointer;
}

void Pool::deallocate(void* pointer) noexcept {
  const auto it = blocks_.find(pointer);
  if (it == blocks_.end() || it->second.free) return;
  Block& block = it->second;
  in_use_ -= block.bytes;
  block.free = true;
  if (recording_ != 0) block.owner = recording_;
  if (policy_.passthrough && block.owner == 0) return give_back(pointer);
  free_.emplace(block.owner, block.bytes, pointer);
}

// Of a free block that no recording has, once the work that may use it is done.
void Pool::give_back(void* pointer) noexcept {
  cudaStreamSynchronize(queue_.stream);
  cudaFree(pointer);
  const auto it = blocks_.find(pointer);
  reserved_ -= it->second.bytes;
  blocks_.erase(it);
}

int Pool::begin_recording() {
  recording_ = ++recordings_;
  return recording_;
}

void Pool::release(int recording) noexcept {
  std::vector<void*> unused;
  for (auto& [pointer, block] : blocks_) {
    if (block.owner != recording) continue;
    // A stream that is being recorded cannot be waited for, so its recording takes what would be freed.
    block.owner = policy_.passthrough && block.free ? recording_ : 0;
    if (!block.free) continue;
    free_.erase({recording, block.bytes, pointer});
    if (policy_.passthrough && block.owner == 0)
      unused.push_back(pointer);
    else
      free_.emplace(block.owner, block.bytes, pointer);
  }
  for (void* pointer : unused) give_back(pointer);
}

// The smallest free block of `owner` that is large enough and not much larger.
void* Pool::take(int owner, std::size_t bytes) {
  const auto it = free_.lower_bound({owner, bytes, nullptr});
  if (it == free_.end() || std::get<0>(*it) != owner) return nullptr;
  if (std::get<1>(*it) - bytes > bytes / 100 * policy_.slack_percent) return nullptr;
  void* pointer = std::get<2>(*it);
  free_.erase(it);
  return pointer;
}

void* Pool::grow(std::size_t asked, std::size_t bytes) {
  void* pointer = nullptr;
  cudaError_t error = cudaMalloc(&pointer, bytes);
  // cudaFree waits for the device, which a recording does not allow.
  if (error == cudaErrorMemoryAllocation && recording_ == 0) {
    cudaGetLastError();  // mended or reported here
    give_back_free_blocks();
    error = cudaMalloc(&pointer, bytes);
  }
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    std::size_t available = 0, total = 0;
    cudaMemGetInfo(&available, &total);
    const std::size_t kept = reserved_ - in_use_;
    throw OutOfMemory("cuda: out of memory: asked for " + std::to_string(asked) + " bytes with " +
                          std::to_string(in_use_) + " in use and " + std::to_string(kept) +
                          " kept for reuse; the device has " + std::to_string(available) + " of " +
                          std::to_string(total) + " bytes free",
                      asked, in_use_, available + kept);
  }
  check(error, "allocating device memory");
  blocks_[pointer] = {bytes, recording_, false};
  reserved_ += bytes;
  return pointer;
}

void Pool::give_back_free_blocks() {
  check(cudaStreamSynchronize(queue_.stream), "waiting before memory is given back");
  const auto begin = free_.lower_bound({0, 0, nullptr}), end = free_.lower_bound({1, 0, nullptr});
  for (auto it = begin; it != end; ++it) {
    const auto& [owner, bytes, pointer] = *it;
    check(cudaFree(pointer), "giving memory back");
    reserved_ -= bytes;
    blocks_.erase(pointer);
  }
  free_.erase(begin, end);
}

}  // namespace thaw::cuda
