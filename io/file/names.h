// Names of tensors and of files.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "tensor/state_dict.h"

namespace thaw {

// Strips "module." and "_orig_mod." from the front of the names, again and again, where every name carries
// it; notes it.
StateDict strip_wrapper_prefixes(StateDict tensors, std::vector<std::string>& notes);

// Compares the SHA-256 of `bytes` with the digits a name like "resnet18-5c106cde.pth" promises (8 to 64 of
// them, as torch.hub writes). Digits that read as a date (20240131) promise nothing. Throws Error when they
// differ.
void check_name_hash(const std::string& path, std::span<const std::byte> bytes);

// "flowers" of "/home/me/flowers/", and of "." the folder's own name.
std::string last_name(const std::string& path);

}  // namespace thaw
