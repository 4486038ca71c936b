// Which files hold the same bytes, and the stratified split that respects it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/data/dataset.h"

namespace thaw::dataset_detail {

// FNV-1a over 64 bits, continued from `hash`. Not against an adversary: it tells accidental copies apart.
constexpr std::uint64_t hash_start = 0xcbf29ce484222325u;
std::uint64_t hash_bytes(std::uint64_t hash, const void* data, std::size_t count);

// The hash of a file's first `limit` bytes; 0 where it can't be read (verify_images reports such files).
std::uint64_t hash_file(const std::string& path, std::uint64_t limit);

// All files of the samples, the views of each in a row.
std::vector<PictureFile> pictures_of(const std::vector<Sample>& samples);

// One number per file, equal for files of equal contents: the index of the first such file. Files are
// read only where another one has the same size, wholly only where the first 4096 bytes agree too.
std::vector<std::size_t> content_groups(const std::vector<PictureFile>& files);

// One number per sample, equal for samples that must stay on one side: those of one `group`, and those that
// share a picture's contents. The index of the first such sample.
std::vector<std::size_t> sample_groups(const std::vector<Sample>& samples);

// For samples with `labels` in [0, classes): true where the sample goes to validation. Per class the nearest
// whole number to share * count, at least one where the class has two groups or more, never the whole class.
// Groups stay together, across classes as well; where that leaves a class without a training sample, its groups train.
std::vector<bool> stratified_split(const std::vector<Sample>& samples, int classes, double share,
                                   std::uint64_t seed);

}  // namespace thaw::dataset_detail
