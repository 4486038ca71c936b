// The file of --output-features: what a network made of each picture before its head.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace thaw {

class FeatureFile {
 public:
  // Throws UsageError unless `path` ends in .npy, .csv or .safetensors, and Error where something is there already or nothing
  // can be written.
  explicit FeatureFile(std::string path);

  // The next row; all rows are of one length.
  void add(const std::string& image, const std::vector<float>& features);
  std::size_t rows() const { return images_.size(); }

  // Writes the file, crash-safe. Throws Error.
  //   .npy          NumPy's format 1.0: f32 [N,F], rows in the order of add()
  //   .safetensors  the tensor "features", f32 [N,F]; metadata "images": a JSON list of N names
  //   .csv          image,feature_0,feature_1,...: a line for each row
  void write() const;

 private:
  std::string npy() const;
  std::string csv() const;
  std::string safetensors() const;

  std::string path_;
  std::string (FeatureFile::*format_)() const = nullptr;
  std::vector<std::string> images_;
  std::vector<float> values_;
};

}  // namespace thaw
