#include "models/weights/load.h"

#include <algorithm>
#include <unordered_map>

#include "layers/batch_norm.h"
#include "models/weights/initialize.h"

namespace thaw {

namespace {

// Where a tensor of the network lies. Parameters tell that they changed.
struct Slot {
  std::string name;
  Tensor* value;
  std::uint64_t* version;
  Parameter* parameter;
};

std::vector<Slot> slots_of(Network& network) {
  std::vector<Slot> slots;
  network.visit([&](Module& m) {
    for (Parameter* p : m.own_parameters()) slots.push_back({p->name, &p->value, &p->version, p});
    for (Buffer* b : m.own_buffers()) slots.push_back({b->name, &b->value, &b->version, nullptr});
  });
  return slots;
}

bool is_batch_counter(const std::string& name) {
  return name.ends_with("num_batches_tracked");
}

struct Comparison {
  std::vector<std::string> missing, unexpected, misshapen;
  std::string shapes;  // of the first misshapen one, in the file and in the network
  std::vector<std::pair<Slot, const Tensor*>> matched;
  std::vector<std::string> other_head;  // head tensors that differ only in the number of classes
  std::int64_t classes_in_file = 0;
  std::size_t lacking_counters = 0;
};

std::string typed(const Tensor& tensor) {
  return std::string(dtype_name(tensor.dtype())) + " " + tensor.shape().text();
}

// Whether `file` is a tensor of `slot`'s head for another number of classes.
bool other_classes(const Network& network, const Slot& slot, const Tensor& file) {
  const Linear& head = network.head();
  if (slot.parameter != &head.weight && slot.parameter != &head.bias) return false;
  const Shape& shape = file.shape();
  if (shape.rank() != slot.value->shape().rank() || shape.rank() == 0) return false;
  // Views and features widen the head: pretrained ones then never fit.
  return shape.rank() == 1 || shape[1] == head.in() || network.views() > 1 || network.features() > 0;
}

Comparison compare(Network& network, const std::vector<Slot>& slots, const StateDict& weights) {
  Comparison result;
  std::unordered_map<std::string, const Slot*> known;
  for (const Slot& slot : slots) {
    known[slot.name] = &slot;
    const Tensor* tensor = weights.find(slot.name);
    if (tensor == nullptr) {
      if (is_batch_counter(slot.name))
        ++result.lacking_counters;
      else
        result.missing.push_back(slot.name);
    } else if (tensor->shape() == slot.value->shape() && tensor->dtype() == slot.value->dtype()) {
      result.matched.emplace_back(slot, tensor);
    } else if (other_classes(network, slot, *tensor)) {
      result.other_head.push_back(slot.name);
      result.classes_in_file = tensor->shape()[0];
    } else {
      result.misshapen.push_back(slot.name);
      if (result.misshapen.size() == 1)
        result.shapes = typed(*tensor) + " in the file, " + typed(*slot.value) + " in the network";
    }
  }
  for (const auto& [name, tensor] : weights)
    if (!known.contains(name)) result.unexpected.push_back(name);
  return result;
}

// One line that a terminal shows in six at most.
void check_fit(const Network& network, const Comparison& c, const LoadOptions& options) {
  const std::string what = options.source.empty() ? "weights" : options.source;
  const std::string& model = network.name();
  const int kinds = !c.missing.empty() + !c.unexpected.empty() + !c.misshapen.empty();
  if (kinds > 0) {
    const std::size_t shown = kinds == 1 ? 3 : 1;
    std::string problem;
    const auto tell = [&](const char* kind, const std::vector<std::string>& names, std::size_t most) {
      if (!names.empty()) problem += (problem.empty() ? "" : "; ") + some_names(kind, names, most);
    };
    tell("missing", c.missing, shown);
    tell("unexpected", c.unexpected, shown);
    tell("misshapen", c.misshapen, 1);
    if (!c.misshapen.empty()) problem += " (" + c.shapes + ")";
    const bool only_more = kinds == 1 && !c.unexpected.empty();
    const std::string remedy = !options.remedy.empty() ? options.remedy
                               : only_more             ? "leave them out with --ignore GLOB"
                                           : "give the --model it was made for, or rename its tensors with "
                                             "convert --rename";
    throw Error(c.matched.empty() ? what + ": no tensor fits " + model + "; " + problem + "; " + remedy
                                  : what + " does not fit " + model + ": " + problem + "; " + remedy);
  }
  if (!c.other_head.empty() && !options.replace_head)
    throw Error(what + " has " + std::to_string(c.classes_in_file) + " classes, " + model + " has " +
                std::to_string(network.num_classes()) + " (" + some_names("misshapen", c.other_head, 2) +
                "); make the network with as many classes, or train a new head");
}

}  // namespace

std::string some_names(const std::string& what, const std::vector<std::string>& names, std::size_t shown) {
  constexpr std::size_t longest = 60;
  std::string text =
      what + " " + std::to_string(names.size()) + (names.size() == 1 ? " tensor: " : " tensors: ");
  shown = std::min(shown, names.size());
  for (std::size_t i = 0; i < shown; ++i)
    text += (i > 0 ? ", " : "") + names[i].substr(0, longest) + (names[i].size() > longest ? "..." : "");
  if (names.size() > shown) text += " and " + std::to_string(names.size() - shown) + " more";
  return text;
}

std::string LoadReport::text() const {
  std::string text = "matched " + std::to_string(matched) + " of " + std::to_string(total) + " tensors";
  for (std::size_t i = 0; i < replaced.size(); ++i) text += (i == 0 ? ", replaced " : ", ") + replaced[i];
  if (!replaced.empty())
    text += classes_in_file == classes
                ? " (another number of inputs)"
                : " (" + std::to_string(classes_in_file) + " -> " + std::to_string(classes) + ")";
  return text;
}

StateDict with_current_names(const Network& network, const StateDict& weights, const std::string& source) {
  StateDict renamed;
  for (const auto& [name, tensor] : weights) {
    std::string current = network.current_name(name);
    if (current != name && weights.contains(current))
      throw Error((source.empty() ? "weights" : source) + ": both " + name + " and " + current +
                  " are there, which are one tensor of " + network.name() +
                  "; leave one out or rename it with convert --rename");
    renamed.add(std::move(current), tensor);
  }
  return renamed;
}

void check_weights(Network& network, const StateDict& weights, const LoadOptions& options) {
  const StateDict current = with_current_names(network, weights, options.source);
  check_fit(network, compare(network, slots_of(network), current), options);
}

LoadReport load_weights(Network& network, const StateDict& weights, const LoadOptions& options) {
  const StateDict current = with_current_names(network, weights, options.source);
  const std::vector<Slot> slots = slots_of(network);
  Comparison c = compare(network, slots, current);
  check_fit(network, c, options);
  // A head of which only one tensor differs would be half old and half new: it is initialised whole.
  if (!c.other_head.empty())
    std::erase_if(c.matched, [&](const auto& match) {
      const bool head =
          match.first.parameter == &network.head().weight || match.first.parameter == &network.head().bias;
      if (head) c.other_head.push_back(match.first.name);
      return head;
    });

  for (const auto& [slot, tensor] : c.matched) {
    slot.value->copy_from(*tensor);
    ++*slot.version;
  }
  LoadReport report{.matched = c.matched.size(),
                    .total = slots.size() - c.lacking_counters,
                    .replaced = c.other_head,
                    .classes_in_file = c.classes_in_file,
                    .classes = network.num_classes()};
  if (!c.other_head.empty()) initialize(network.head(), options.seed);
  return report;
}

}  // namespace thaw
