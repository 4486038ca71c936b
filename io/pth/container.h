// The two containers of PyTorch files: a zip archive (since 1.6) and the legacy stream of pickles.
#pragma once

#include <memory>

#include "io/file/read_options.h"
#include "io/pth/pickle_value.h"
#include "io/pth/storage.h"
#include "io/pth/zip_reader.h"

namespace thaw {

// The object's pickle and the bytes of every storage it names, all sizes checked against each other.
struct PthContainer {
  Pickle pickle;
  PthStorages storages;
  std::vector<std::string> notes;
  std::string name;                // "zip" or "legacy"
  std::unique_ptr<ZipReader> zip;  // owns inflated storages
};

PthContainer open_pth_zip(std::span<const std::byte> bytes, const std::string& file,
                          const ReadLimits& limits);
PthContainer open_pth_legacy(std::span<const std::byte> bytes, const std::string& file,
                             const ReadLimits& limits);

}  // namespace thaw
