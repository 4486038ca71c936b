#include "tools/predict/feature_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "io/file/atomic.h"
#include "io/file/text.h"
#include "io/weights/safetensors.h"
#include "tools/predict/csv_field.h"
#include "tools/program/usage_error.h"

namespace thaw {

FeatureFile::FeatureFile(std::string path) : path_(std::move(path)) {
  if (path_.ends_with(".npy")) format_ = &FeatureFile::npy;
  if (path_.ends_with(".csv")) format_ = &FeatureFile::csv;
  if (path_.ends_with(".safetensors")) format_ = &FeatureFile::safetensors;
  if (format_ == nullptr)
    throw UsageError("--output-features " + printable(path_, 100) +
                     ": the name must end in .npy, .csv or .safetensors, which says the format to write");
  std::error_code error;
  if (std::filesystem::exists(path_, error))
    throw Error("--output-features " + printable(path_, 100) +
                ": is there already; give another name, or remove it first");
  const std::filesystem::path folder = std::filesystem::absolute(path_).parent_path();
  if (access(folder.c_str(), W_OK | X_OK) != 0)
    throw Error("--output-features " + printable(path_, 100) +
                ": its folder is not there or takes no files; give a name in another one");
}

void FeatureFile::add(const std::string& image, const std::vector<float>& features) {
  images_.push_back(image);
  values_.insert(values_.end(), features.begin(), features.end());
}

void FeatureFile::write() const {
  write_file_atomically(path_, (this->*format_)());
}

std::string FeatureFile::npy() const {
  constexpr std::size_t before = 10, alignment = 64;  // the magic string, the version, the header's length
  std::string header = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}",
                                   images_.size(), values_.size() / images_.size());
  header.append(alignment - (before + header.size() + 1) % alignment, ' ');
  header += '\n';
  std::string file("\x93NUMPY\x01\x00", 8);
  file += static_cast<char>(header.size() & 0xff);
  file += static_cast<char>(header.size() >> 8);
  return file + header +
         std::string(reinterpret_cast<const char*>(values_.data()), values_.size() * sizeof(float));
}

std::string FeatureFile::csv() const {
  const std::size_t width = values_.size() / images_.size();
  std::string file = "image";
  for (std::size_t f = 0; f < width; ++f) file += fmt::format(",feature_{}", f);
  for (std::size_t row = 0; row < images_.size(); ++row) {
    file += '\n' + csv_field(images_[row]);
    for (std::size_t f = 0; f < width; ++f) file += fmt::format(",{}", values_[row * width + f]);
  }
  return file + '\n';
}

std::string FeatureFile::safetensors() const {
  const auto rows = static_cast<std::int64_t>(images_.size()),
             all = static_cast<std::int64_t>(values_.size());
  StateDict tensors;
  tensors.add("features", from_contiguous(values_, {rows, all / rows}));
  const std::string names =
      nlohmann::json(images_).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return safetensors_bytes(tensors, {{"images", names}});
}

}  // namespace thaw
