// Where in the source an invalid access stands.
#pragma once

#include <string>

namespace simt {

// " at file.cu:12" for the instruction in a signal handler's context, by addr2line; " at program+0x1234"
// where that is not installed.
std::string source_line(void* signal_context);

}  // namespace simt
