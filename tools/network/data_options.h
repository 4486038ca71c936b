// The options that say which pictures are read, and the reading of their splits.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "io/data/loader.h"
#include "tools/network/model_description.h"

namespace CLI {
class App;  // of CLI11, which those who only fill the struct need not have
}

namespace thaw {

struct DataOptions {
  std::string data;  // a folder or a CSV file
  int batch_size = 64;
  int workers = 2;
  std::string scan =
      "auto";  // headers, full: what is read of every picture before anything else; check_data.h
  std::string on_bad_image = "error";
  double max_bad_fraction = 0.05;
  // What check_training_data found before, where that has looked at these very pictures: then it need not look again.
  std::optional<std::vector<std::string>> known_notes{};
};

// Adds --data, -b/--batch-size, -j/--workers, --scan, --on-bad-image, --max-bad-fraction.
void add_data_options(CLI::App& app, DataOptions& options);

// scan_class_folders or, where `data` is no folder, scan_csv.
DatasetSplits scan_data(const std::string& data, const ScanOptions& options);

// The splits of `data` for a network that is there: its classes, its way of splitting, its features in its
// order and scale. Throws Error if the cases have another number of views than the network takes, or if they are not those
// that were split then.
// `split_by` must be what the network's pictures were split by: an expression out of a file of weights is not run.
DatasetSplits scan_data_for(const ModelDescription& description, const std::string& data,
                            const std::string& split_by = "");

// Throws Error naming both numbers if they differ.
void check_views(const Dataset& dataset, const ModelDescription& description, const std::string& data);

// For one pass over a dataset in its order, as evaluation sees it; keeps no pictures.
LoaderOptions one_pass(const DataOptions& options);

}  // namespace thaw
