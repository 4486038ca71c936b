#include "io/pth/tree.h"

#include <algorithm>
#include <array>
#include <optional>

#include "io/file/text.h"
#include "io/pth/tensor.h"

namespace thaw {
namespace {

constexpr std::array plain_wrappers = {"state_dict", "model_state_dict", "model", "net"};
constexpr std::array ema_wrappers = {"state_dict_ema", "model_ema"};

class StateDictFinder {
 public:
  StateDictFinder(const Pickle& pickle, const std::string& where) : pickle_(pickle), where_(where) {}

  PthTree find(bool prefer_ema) {
    ValueId id = pickle_.root;
    std::string path;
    // A wrapper in a wrapper is seen now and then; more would be no checkpoint.
    for (int level = 0; level < 3; ++level) {
      if (pickle_.at(id).kind != PickleKind::dict) refuse_root(id, path);
      const auto inner = open_wrapper(id, prefer_ema, path);
      if (!inner) break;
      id = *inner;
    }
    if (pickle_.at(id).kind != PickleKind::dict) refuse_root(id, path);
    collect(id, path);
    return std::move(tree_);
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const { throw Error(where_ + ": " + what); }

  std::string class_of(ValueId id) const {
    const PickleValue& value = pickle_.at(id);
    switch (value.kind) {
      case PickleKind::call:
        return "an object of " + printable(pickle_.at(value.function).text);
      case PickleKind::dict:
        return "a dictionary";
      case PickleKind::list:
      case PickleKind::tuple:
      case PickleKind::set:
        return "a list";
      case PickleKind::text:
      case PickleKind::bytes:
        return "a text";
      case PickleKind::none:
        return "None";
      case PickleKind::global:
        return "a class";
      case PickleKind::persistent:
        return "a storage";
      default:
        return "a number";
    }
  }

  [[noreturn]] void refuse_root(ValueId id, const std::string& path) const {
    const std::string place = path.empty() ? "the file" : "'" + printable(path) + "'";
    if (is_tensor_call(pickle_, id)) refuse(place + " holds one tensor without a name, no state dict");
    if (pickle_.at(id).kind == PickleKind::call)
      refuse(place + " holds " + class_of(id) +
             ": a pickled module or object, which only the program that made it "
             "can load; there, save model.state_dict() instead");
    refuse(place + " holds " + class_of(id) + ", no state dict");
  }

  // The value of the one entry of this name; none: no entry.
  std::optional<ValueId> entry(const PickleValue& dict, std::string_view name) const {
    std::optional<ValueId> found;
    for (std::size_t i = 0; i < dict.items.size(); i += 2) {
      const PickleValue& key = pickle_.at(dict.items[i]);
      if (key.kind != PickleKind::text || key.text != name) continue;
      if (found) refuse("the key '" + std::string(name) + "' occurs twice; the file is ambiguous");
      found = dict.items[i + 1];
    }
    return found;
  }

  std::optional<ValueId> open_wrapper(ValueId id, bool prefer_ema, std::string& path) {
    const PickleValue& dict = pickle_.at(id);
    std::vector<std::pair<const char*, ValueId>> plain, averaged;
    // Only dictionaries and objects wrap: a network may have a tensor of such a name.
    const auto gather = [&](const auto& names, auto& found) {
      for (const char* name : names)
        if (const auto value = entry(dict, name); value && wraps(*value)) found.emplace_back(name, *value);
    };
    gather(plain_wrappers, plain);
    gather(ema_wrappers, averaged);
    if (plain.empty() && averaged.empty()) return std::nullopt;
    const bool ema = plain.empty() || (prefer_ema && !averaged.empty());
    const auto [name, value] = (ema ? averaged : plain).front();
    std::string note = std::string("took the weights under '") + name + "'";
    if (ema) note += " (averaged weights)";
    for (const auto& [other, unused] : ema ? plain : averaged)
      note += std::string(", not those under '") + other + "'";
    for (const auto& [other, unused] : ema ? averaged : plain)
      if (other != name) note += std::string(", not those under '") + other + "'";
    tree_.notes.push_back(note);
    path += (path.empty() ? "" : ".") + std::string(name);
    return value;
  }

  bool wraps(ValueId id) const {
    const PickleKind kind = pickle_.at(id).kind;
    return kind == PickleKind::dict || (kind == PickleKind::call && !is_tensor_call(pickle_, id));
  }

  void collect(ValueId id, const std::string& path) {
    const PickleValue& dict = pickle_.at(id);
    std::vector<std::string> others, nested;
    for (std::size_t i = 0; i < dict.items.size(); i += 2) {
      const PickleValue& key = pickle_.at(dict.items[i]);
      const ValueId value = dict.items[i + 1];
      const bool tensor = is_tensor_call(pickle_, value);
      if (key.kind != PickleKind::text) {
        if (tensor) refuse("the state dict has a key that is no text");
        continue;
      }
      if (tensor) {
        tree_.tensors.emplace_back(key.text, value);
        continue;
      }
      const std::string shown = "'" + printable(key.text) + "'";
      if (others.size() < 5) others.push_back(shown + " (" + class_of(value) + ")");
      if (nested.size() < 5 && holds_tensors(value)) nested.push_back(shown);
    }
    const std::string place = path.empty() ? "the file" : "'" + printable(path) + "'";
    if (!nested.empty())
      refuse(place + " holds dictionaries of tensors under " + join(nested) +
             "; Thaw opens state_dict, model, "
             "model_state_dict, net, state_dict_ema and model_ema only: save the state dict by itself");
    if (tree_.tensors.empty())
      refuse(place + " holds no tensors" + (others.empty() ? "" : "; its entries: " + join(others)));
    if (!others.empty()) tree_.notes.push_back("left out what is no tensor: " + join(others));
  }

  bool holds_tensors(ValueId id) const {
    const PickleValue& dict = pickle_.at(id);
    if (dict.kind != PickleKind::dict) return false;
    for (std::size_t i = 1; i < dict.items.size(); i += 2)
      if (is_tensor_call(pickle_, dict.items[i])) return true;
    return false;
  }

  static std::string join(const std::vector<std::string>& parts) {
    std::string out;
    for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + part;
    return out;
  }

  const Pickle& pickle_;
  const std::string& where_;
  PthTree tree_;
};

}  // namespace

PthTree find_state_dict(const Pickle& pickle, bool prefer_ema, const std::string& where) {
  return StateDictFinder(pickle, where).find(prefer_ema);
}

}  // namespace thaw
