#include "tests/simt/source_line.h"

#include <dlfcn.h>
#include <ucontext.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <sstream>

namespace simt {
namespace {

std::uintptr_t instruction([[maybe_unused]] void* context) {
#if defined(__x86_64__)
  return static_cast<std::uintptr_t>(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return static_cast<std::uintptr_t>(static_cast<ucontext_t*>(context)->uc_mcontext.pc);
#else
  return 0;
#endif
}

std::string output_of(const std::string& command) {
  struct Close {
    void operator()(std::FILE* file) const { pclose(file); }
  };
  const std::unique_ptr<std::FILE, Close> pipe(popen(command.c_str(), "r"));
  std::string text;
  for (char buffer[256]; pipe && std::fgets(buffer, sizeof buffer, pipe.get());) text += buffer;
  return text;
}

}  // namespace

std::string source_line(void* signal_context) {
  const std::uintptr_t address = instruction(signal_context);
  Dl_info module{};
  if (address == 0 || dladdr(reinterpret_cast<void*>(address), &module) == 0 || !module.dli_fname) return "";
  std::ostringstream offset;
  offset << "0x" << std::hex << address - reinterpret_cast<std::uintptr_t>(module.dli_fbase);
  const std::string program = module.dli_fname;
  std::string line = output_of("addr2line -s -e '" + program + "' " + offset.str() + " 2>/dev/null");
  while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
  if (line.empty() || line.find('?') != std::string::npos)
    return " at " + program.substr(program.rfind('/') + 1) + "+" + offset.str();
  return " at " + line;
}

}  // namespace simt
