#include "kernels/cpu/cpu_backend.h"

#include <fstream>
#include <thread>

namespace thaw::cpu {
namespace {

// oneDNN's own view of the processor, so that ONEDNN_MAX_CPU_ISA limits Thaw's loops too.
Isa loop_isa() {
#if defined(THAW_CPU_X86)
  const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto has = [isa](dnnl::cpu_isa wanted) {
    return (isa & static_cast<unsigned>(wanted)) == static_cast<unsigned>(wanted);
  };
  if (has(dnnl::cpu_isa::avx512_core) && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    const bool bf16 = has(dnnl::cpu_isa::avx512_core_bf16) && __builtin_cpu_supports("avx512bf16");
    return bf16 ? Isa::avx512_bf16 : Isa::avx512;
  }
  if (has(dnnl::cpu_isa::avx2) && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return Isa::avx2;
#endif
  return Isa::baseline;
}

int thread_count(int wanted) {
  if (wanted > 0) return wanted;
  return std::max(1, omp_get_max_threads());  // OMP_NUM_THREADS, else the processors that are ours
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "processor";
}

}  // namespace

CpuBackend::CpuBackend(int threads)
    : threads_(thread_count(threads)), isa_(loop_isa()), tables_(loop_tables(isa_)) {
  omp_set_num_threads(threads_);
}

std::string CpuBackend::description() const {
  const dnnl_version_t* version = dnnl_version();
  const char* isa = isa_ == Isa::baseline ? "baseline" : isa_ == Isa::avx2 ? "AVX2" : "AVX-512";
  return processor_name() + ", " + std::to_string(threads_) + (threads_ == 1 ? " thread, " : " threads, ") +
         isa + (supports(DType::bf16) ? " with bf16" : "") + ", oneDNN " + std::to_string(version->major) +
         "." + std::to_string(version->minor) + "." + std::to_string(version->patch);
}

bool CpuBackend::supports(DType activations) const {
  if (activations == DType::f32) return true;
  const auto wanted = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_bf16);
  return activations == DType::bf16 &&
         (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & wanted) == wanted;
}

void CpuBackend::execute(Plan& plan) {
  omp_set_num_threads(
      threads_);  // the setting belongs to the calling thread, which may not be the one that built this
  const Scratch scratchpad(cache_, plan.scratchpad_bytes);
  if (plan.scratchpad_bytes != 0) plan.set(DNNL_ARG_SCRATCHPAD, scratchpad.data());
  dnnl_.run(plan);
}

PackedInput::PackedInput(CpuBackend& backend, const ConstView& view, DType type)
    : scratch_(backend.cache(), !view || (view.packed() && view.type == type)
                                    ? 0
                                    : static_cast<std::size_t>(view.elements()) * item_size(type)),
      view_(view) {
  if (scratch_.data() == nullptr) return;
  View packed;
  packed.data = scratch_.data();
  packed.type = type;
  packed.n = view.n;
  packed.h = view.h;
  packed.w = view.w;
  packed.c = packed.pitch = view.c;
  backend.compute(Copy{.x = view, .y = packed});
  view_ = packed;
}

PackedOutput::PackedOutput(CpuBackend& backend, const View& view)
    : backend_(backend),
      scratch_(backend.cache(),
               view.packed() ? 0 : static_cast<std::size_t>(view.elements()) * item_size(view.type)),
      target_(view),
      view_(view) {
  if (scratch_.data() == nullptr) return;
  view_.data = scratch_.data();
  view_.pitch = view_.c;
}

void PackedOutput::finish() {
  if (scratch_.data() != nullptr) backend_.compute(Copy{.x = view_, .y = target_});
}

}  // namespace thaw::cpu

namespace thaw {

std::unique_ptr<Backend> make_cpu_backend(int threads) {
  return std::make_unique<cpu::CpuBackend>(threads);
}

}  // namespace thaw
