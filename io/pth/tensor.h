// Tensors in a PyTorch pickle: calls of torch._utils._rebuild_* that are read, never made.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/file/tensor.h"
#include "io/pth/pickle_value.h"
#include "io/pth/storage.h"

namespace thaw {

// Whether the value is built by one of PyTorch's tensor functions, readable or not.
bool is_tensor_call(const Pickle& pickle, ValueId id);

// Reads the tensor `id` named `key` into `intake`: arguments checked one by one, the view checked against its
// storage, elements gathered by strides. Throws Error naming tensor and reason (sparse, quantised, meta, out
// of range ...).
void read_pth_tensor(const Pickle& pickle, ValueId id, const std::string& key, const PthStorages& storages,
                     TensorIntake& intake, const std::string& where);

}  // namespace thaw
