// The options that say which pictures are read, and the reading of a folder's splits.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "io/dataset.h"

namespace thaw {

struct DataOptions {
  std::string data;  // a folder
  int batch_size = 64;
  int workers = 2;
};

// Adds --data, -b/--batch-size, -j/--workers.
void add_data_options(CLI::App& app, DataOptions& options);

// Opens no more than the header of every picture. Throws Error naming the first bad one and how many there
// are.
void check_pictures(const Dataset& dataset, int threads);

}  // namespace thaw
