// What a file is, by its first bytes.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace thaw {

enum class FileKind { zip, legacy_pth, safetensors };

// Throws Error naming what the file is when it is none of these: a Git LFS pointer, an HTML page, tar, gzip,
// HDF5 ...
FileKind recognise(std::span<const std::byte> bytes, const std::string& file);

}  // namespace thaw
