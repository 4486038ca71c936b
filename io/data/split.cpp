#include "io/data/split.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <unordered_map>

#include "io/file/bytes.h"
#include "kernels/error.h"
#include "kernels/philox.h"

namespace thaw::dataset_detail {

std::uint64_t hash_bytes(std::uint64_t hash, const void* data, std::size_t count) {
  const auto* bytes = static_cast<const std::uint8_t*>(data);
  for (std::size_t i = 0; i < count; ++i) hash = (hash ^ bytes[i]) * 0x100000001b3u;
  return hash;
}

std::uint64_t hash_file(const std::string& path, std::uint64_t limit) try {
  FileReader file(path);
  std::vector<std::byte> block(static_cast<std::size_t>(std::min<std::uint64_t>(limit, 1u << 16)));
  std::uint64_t hash = hash_start;
  while (limit > 0) {
    const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(limit, block.size()));
    const std::size_t count = file.read({block.data(), wanted});
    hash = hash_bytes(hash, block.data(), count);
    if (count < wanted) break;
    limit -= count;
  }
  return hash;
} catch (const Error&) {
  return 0;
}

std::vector<PictureFile> pictures_of(const std::vector<Sample>& samples) {
  std::vector<PictureFile> files;
  for (const Sample& sample : samples) {
    files.push_back({sample.path, sample.bytes});
    files.insert(files.end(), sample.more_views.begin(), sample.more_views.end());
  }
  return files;
}

std::vector<std::size_t> content_groups(const std::vector<PictureFile>& files) {
  constexpr std::uint64_t head = 4096;
  std::vector<std::size_t> group(files.size());
  std::unordered_map<std::uint64_t, std::vector<std::size_t>> by_size;
  for (std::size_t i = 0; i < files.size(); ++i) {
    group[i] = i;
    by_size[files[i].bytes].push_back(i);
  }
  for (const auto& [bytes, members] : by_size) {
    if (members.size() < 2) continue;
    std::map<std::uint64_t, std::vector<std::size_t>> by_head;
    for (const std::size_t i : members) by_head[hash_file(files[i].path, head)].push_back(i);
    for (const auto& [hash, candidates] : by_head) {
      if (candidates.size() < 2 || hash == 0) continue;
      std::map<std::uint64_t, std::size_t> first;
      for (const std::size_t i : candidates) {
        const std::uint64_t whole = bytes <= head ? hash : hash_file(files[i].path, bytes);
        group[i] = first.emplace(whole, i).first->second;
      }
    }
  }
  return group;
}

std::vector<std::size_t> sample_groups(const std::vector<Sample>& samples) {
  std::vector<std::size_t> group(samples.size());
  for (std::size_t i = 0; i < group.size(); ++i) group[i] = i;
  const auto first = [&group](std::size_t i) {
    while (group[i] != i) i = group[i] = group[group[i]];
    return i;
  };
  const auto join = [&](std::size_t a, std::size_t b) {
    a = first(a), b = first(b);
    group[std::max(a, b)] = std::min(a, b);
  };
  std::vector<std::size_t> owner;  // the sample of each file
  std::unordered_map<std::string, std::size_t> named;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    owner.insert(owner.end(), 1 + samples[i].more_views.size(), i);
    if (!samples[i].group.empty()) join(i, named.emplace(samples[i].group, i).first->second);
  }
  const std::vector<std::size_t> same = content_groups(pictures_of(samples));
  for (std::size_t k = 0; k < same.size(); ++k) join(owner[k], owner[same[k]]);
  for (std::size_t i = 0; i < group.size(); ++i) group[i] = first(i);
  return group;
}

std::vector<bool> stratified_split(const std::vector<Sample>& samples, int classes, double share,
                                   std::uint64_t seed) {
  const std::vector<std::size_t> group = sample_groups(samples);

  enum class Side : std::uint8_t { open, train, val };
  std::vector<Side> side(samples.size(), Side::open);  // by group
  for (int label = 0; label < classes; ++label) {
    std::vector<std::size_t> order;  // groups in order of their first file in this class
    std::unordered_map<std::size_t, std::int64_t> members;
    std::int64_t count = 0, in_val = 0;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      if (samples[i].label != label) continue;
      ++count;
      if (side[group[i]] == Side::val) ++in_val;
      if (members[group[i]]++ == 0 && side[group[i]] == Side::open) order.push_back(group[i]);
    }
    PhiloxStream random(seed, Purpose::split, 0, static_cast<std::uint64_t>(label));
    for (std::size_t i = order.size(); i > 1; --i) {
      std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
    }
    const std::int64_t wanted = std::max<std::int64_t>(1, std::llround(share * static_cast<double>(count)));
    for (std::size_t k = 0; k < order.size(); ++k) {
      const std::int64_t more = members[order[k]];
      const bool last = k + 1 == order.size();
      // A group may overshoot the share only when the class would have no validation picture without it.
      const bool fits = in_val < wanted && (in_val + more <= wanted || in_val == 0) && !last;
      side[order[k]] = fits ? Side::val : Side::train;
      if (fits) in_val += more;
    }
  }
  // A group that another class sent to validation may have been all of a class.
  for (int label = 0; label < classes; ++label) {
    const auto trains = [&](std::size_t i) {
      return samples[i].label == label && side[group[i]] == Side::train;
    };
    bool trained = false;
    for (std::size_t i = 0; i < samples.size() && !trained; ++i) trained = trains(i);
    for (std::size_t i = 0; i < samples.size() && !trained; ++i)
      if (samples[i].label == label) side[group[i]] = Side::train;
  }
  std::vector<bool> to_val(samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) to_val[i] = side[group[i]] == Side::val;
  return to_val;
}

}  // namespace thaw::dataset_detail
