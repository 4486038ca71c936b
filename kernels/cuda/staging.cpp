#include "kernels/cuda/staging.h"

#include <algorithm>
#include <cstring>

namespace thaw::cuda {
namespace {

constexpr std::size_t alignment = 256;  // of pieces in the ring

bool page_locked(const void* host) {
  cudaPointerAttributes attributes{};
  check(cudaPointerGetAttributes(&attributes, host), "asking where an upload comes from");
  return attributes.type == cudaMemoryTypeHost;
}

}  // namespace

Staging::Staging(const Queue& compute, cudaStream_t copies, Pool& pool, std::size_t bytes)
    : compute_(compute.stream), copies_(copies), part_(bytes / parts), device_(pool, bytes) {
  check(cudaHostAlloc(&host_, bytes, cudaHostAllocDefault), "page-locked memory for uploads");
}

// The copy stream must be done with the ring; what the compute stream still reads, the pool keeps in order.
Staging::~Staging() {
  cudaStreamSynchronize(copies_);
  cudaFreeHost(host_);
}

void Staging::upload(void* device, const void* host, std::size_t bytes) {
  const bool direct = page_locked(host);
  for (std::size_t done = 0; done < bytes;) {
    if (used_ >= part_) {
      current_ = (current_ + 1) % parts;
      used_ = 0;
      moved_[current_].wait();
    }
    const std::size_t piece = std::min(bytes - done, part_ - used_), at = current_ * part_ + used_;
    char* const locked = static_cast<char*>(host_) + at;
    char* const beside = static_cast<char*>(device_.data()) + at;
    const char* from = static_cast<const char*>(host) + done;
    if (!direct) from = static_cast<const char*>(std::memcpy(locked, from, piece));
    check(cudaMemcpyAsync(beside, from, piece, cudaMemcpyHostToDevice, copies_), "upload");
    arrived_.record(copies_);
    arrived_.hold_back(compute_);
    check(
        cudaMemcpyAsync(static_cast<char*>(device) + done, beside, piece, cudaMemcpyDeviceToDevice, compute_),
        "upload");
    moved_[current_].record(compute_);
    used_ += (piece + alignment - 1) / alignment * alignment;
    done += piece;
  }
  if (direct) arrived_.wait();
}

}  // namespace thaw::cuda
