#include "models/freeze/receipt.h"

#include <cstring>
#include <map>
#include <unordered_map>

namespace thaw {

// Every step is a bijection of the hash for a fixed word and of the word for a fixed hash, so a change within
// one word always shows.
std::uint64_t hash_bytes(const void* data, std::size_t bytes) {
  constexpr std::uint64_t prime = 0x9E3779B97F4A7C15u;
  std::uint64_t hash = 0xcbf29ce484222325u ^ bytes;
  const auto* p = static_cast<const unsigned char*>(data);
  while (bytes > 0) {
    const std::size_t n = bytes < 8 ? bytes : 8;
    std::uint64_t word = 0;
    std::memcpy(&word, p, n);
    hash = (hash ^ word) * prime;
    hash ^= hash >> 29;
    p += n;
    bytes -= n;
  }
  return hash;
}

std::uint64_t hash_tensor(const Tensor& tensor) {
  const bool readable = tensor.backend() == nullptr || tensor.backend()->host_memory();
  const Tensor host = readable && tensor.packed() ? tensor : tensor.to_host();
  return hash_bytes(host.data(), host.bytes());
}

std::uint64_t hash_state_dict(const StateDict& tensors) {
  std::map<std::string, std::uint64_t> by_name;
  for (const auto& [name, tensor] : tensors) by_name[name] = hash_tensor(tensor);
  std::vector<std::uint64_t> hashes;
  for (const auto& [name, hash] : by_name) {
    hashes.push_back(hash_bytes(name.data(), name.size()));
    hashes.push_back(hash);
  }
  return hash_bytes(hashes.data(), hashes.size() * sizeof hashes[0]);
}

FreezeReceipt::FreezeReceipt(Module& module) {
  module.visit([this](Module& m) {
    for (const Parameter* p : m.own_parameters())
      if (p->frozen) entries_.push_back({p->name, hash_tensor(p->value)});
    if (!m.frozen() || m.moves_buffers(Mode::train())) return;
    for (const Buffer* b : m.own_buffers()) entries_.push_back({b->name, hash_tensor(b->value)});
  });
}

std::string FreezeReceipt::verify(Module& module) const {
  std::unordered_map<std::string, const Tensor*> now;
  for (const Parameter* p : module.parameters()) now[p->name] = &p->value;
  for (const Buffer* b : module.buffers()) now[b->name] = &b->value;
  for (const Entry& entry : entries_) {
    const auto found = now.find(entry.name);
    if (found == now.end()) throw Error("freeze receipt: frozen tensor " + entry.name + " is gone");
    if (hash_tensor(*found->second) != entry.hash)
      throw Error("freeze receipt: frozen tensor " + entry.name +
                  " has changed; something wrote to it while it was frozen");
  }
  return std::to_string(entries_.size()) + " frozen tensors, 0 bits changed";
}

}  // namespace thaw
