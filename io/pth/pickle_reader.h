// Reads one pickle (protocol 2 to 5) into inert values. Opcodes that only older protocols, instances or the
// extension registry use are refused. Source of the opcodes: CPython, Lib/pickletools.py.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "io/file/read_options.h"
#include "io/pth/pickle_value.h"

namespace thaw {

// Reads from bytes[begin] to the first STOP; `where` stands for the source in messages. The result points
// into `bytes`. Throws Error naming the offset and what is wrong there.
Pickle read_pickle(std::span<const std::byte> bytes, std::size_t begin, const std::string& where,
                   const ReadLimits& limits);

}  // namespace thaw
