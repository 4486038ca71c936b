#include "io/pth/pickle_machine.h"

#include <algorithm>
#include <array>

#include "io/file/text.h"
#include "kernels/error.h"

namespace thaw {
namespace {

// Nothing is ever called, so these could not run. A file that names them is an attack, though, and is refused
// by name.
bool is_hostile(std::string_view module, std::string_view name) {
  constexpr std::array modules = {
      "os",     "posix",           "nt",        "sys", "subprocess", "pip",       "socket", "shutil",
      "ctypes", "runpy",           "importlib", "pty", "commands",   "posixpath", "code",   "imp",
      "cffi",   "multiprocessing", "webbrowser"};
  constexpr std::array builtins = {"eval",       "exec",  "execfile", "compile",   "open",
                                   "__import__", "apply", "input",    "breakpoint"};
  const std::string_view package = module.substr(0, module.find('.'));
  if (std::find(modules.begin(), modules.end(), package) != modules.end()) return true;
  const bool builtin = package == "builtins" || package == "__builtin__";
  return builtin && std::find(builtins.begin(), builtins.end(), name) != builtins.end();
}

}  // namespace

PickleMachine::PickleMachine(const ReadLimits& limits) : limits_(limits) {
  pickle_.values.resize(3);
  pickle_.values[1].kind = pickle_.values[2].kind = PickleKind::boolean;
  pickle_.values[2].number = 1;
}

void PickleMachine::spend(std::size_t slots) {
  spent_ += slots;
  if (spent_ > limits_.pickle_values)
    throw Error("more values than the limit pickle_values = " + std::to_string(limits_.pickle_values));
}

void PickleMachine::push(ValueId id) {
  if (stack_.size() >= limits_.pickle_values)
    throw Error("a deeper stack than the limit pickle_values = " + std::to_string(limits_.pickle_values));
  stack_.push_back(id);
}

ValueId PickleMachine::pop() {
  const ValueId id = top();
  stack_.pop_back();
  return id;
}

ValueId PickleMachine::top() const {
  if (stack_.size() <= floor()) throw Error("stack underflow");
  return stack_.back();
}

std::vector<ValueId> PickleMachine::pop_to_mark() {
  if (marks_.empty()) throw Error("no mark on the stack");
  const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<ValueId> items(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return items;
}

void PickleMachine::pop_or_unmark() {
  if (!marks_.empty() && marks_.back() == stack_.size())
    marks_.pop_back();
  else
    pop();
}

void PickleMachine::push_new(PickleKind kind, std::int64_t number, std::string_view text) {
  spend(1);
  pickle_.values.push_back({kind, 0, number, text, {}});
  push(static_cast<ValueId>(pickle_.values.size() - 1));
}

void PickleMachine::push_items(PickleKind kind, std::vector<ValueId> items) {
  spend(items.size());
  push_new(kind);
  pickle_.values.back().items = std::move(items);
}

void PickleMachine::push_global(std::string_view module, std::string_view name) {
  constexpr std::size_t longest = 512;
  if (module.size() > longest || name.size() > longest || !valid_utf8(module) || !valid_utf8(name))
    throw Error("a global name that is too long or not UTF-8");
  if (is_hostile(module, name))
    throw Error("names " + printable(module) + "." + printable(name) +
                ", which no weight file needs: the file was made to run code. Nothing was run. Delete it");
  spend((module.size() + name.size()) / 32);
  pickle_.names.push_back(std::string(module) + "." + std::string(name));
  push_new(PickleKind::global, 0, pickle_.names.back());
}

void PickleMachine::stack_global() {
  const PickleValue& name = pickle_.at(pop());
  const PickleValue& module = pickle_.at(pop());
  if (name.kind != PickleKind::text || module.kind != PickleKind::text)
    throw Error("a global whose name is no text");
  push_global(std::string_view(module.text), std::string_view(name.text));
}

void PickleMachine::append(std::span<const ValueId> items) {
  PickleValue& target = pickle_.values[top()];
  if (target.kind == PickleKind::call) return;
  if (target.kind != PickleKind::list) throw Error("append to something that is no list");
  spend(items.size());
  target.items.insert(target.items.end(), items.begin(), items.end());
}

void PickleMachine::add_to_set(std::span<const ValueId> items) {
  PickleValue& target = pickle_.values[top()];
  if (target.kind != PickleKind::set) throw Error("items added to something that is no set");
  spend(items.size());
  target.items.insert(target.items.end(), items.begin(), items.end());
}

void PickleMachine::set_items(std::span<const ValueId> items) {
  if (items.size() % 2 != 0) throw Error("a key without a value");
  PickleValue& target = pickle_.values[top()];
  if (target.kind == PickleKind::call) {
    const PickleValue& function = pickle_.at(target.function);
    if (function.text.starts_with("torch._utils.")) throw Error("items set on a tensor");
    return;
  }
  if (target.kind != PickleKind::dict) throw Error("items set on something that is no dictionary");
  spend(items.size());
  target.items.insert(target.items.end(), items.begin(), items.end());
}

void PickleMachine::push_call(ValueId function, std::vector<ValueId> arguments) {
  push_items(PickleKind::call, std::move(arguments));
  pickle_.values.back().function = function;
}

void PickleMachine::push_ordered_dict(const std::vector<ValueId>& arguments) {
  std::vector<ValueId> items;
  if (arguments.size() > 1) throw Error("OrderedDict made of more than one argument");
  if (arguments.size() == 1) {
    const PickleValue& pairs = pickle_.at(arguments[0]);
    if (pairs.kind != PickleKind::list && pairs.kind != PickleKind::tuple)
      throw Error("OrderedDict made of something that is no list of pairs");
    for (const ValueId id : pairs.items) {
      const PickleValue& pair = pickle_.at(id);
      if ((pair.kind != PickleKind::list && pair.kind != PickleKind::tuple) || pair.items.size() != 2)
        throw Error("OrderedDict made of something that is no list of pairs");
      items.insert(items.end(), pair.items.begin(), pair.items.end());
    }
  }
  push_items(PickleKind::dict, std::move(items));
  pickle_.values.back().number = 1;
}

void PickleMachine::reduce() {
  const ValueId arguments_id = pop();
  const ValueId function_id = pop();
  const PickleValue& arguments = pickle_.at(arguments_id);
  if (arguments.kind != PickleKind::tuple) throw Error("a call whose arguments are no tuple");
  std::vector<ValueId> items = arguments.items;
  if (pickle_.at(function_id).text == "collections.OrderedDict" &&
      pickle_.at(function_id).kind == PickleKind::global)
    push_ordered_dict(items);
  else
    push_call(function_id, std::move(items));
}

void PickleMachine::new_object(bool with_keywords) {
  if (with_keywords) pop();
  const PickleValue& arguments = pickle_.at(pop());
  const ValueId type = pop();
  if (arguments.kind != PickleKind::tuple) throw Error("an object whose arguments are no tuple");
  std::vector<ValueId> items = arguments.items;
  push_call(type, std::move(items));
}

void PickleMachine::build() {
  pop();
  const PickleValue& target = pickle_.at(top());
  const bool ordered = target.kind == PickleKind::dict && target.number == 1;
  if (!ordered && target.kind != PickleKind::call && target.kind != PickleKind::persistent)
    throw Error("a state given to something that takes none");
  if (target.kind == PickleKind::call && pickle_.at(target.function).text.starts_with("torch._utils."))
    throw Error("a state given to a tensor");
}

void PickleMachine::persistent() {
  const ValueId id = pop();
  push_items(PickleKind::persistent, {id});
}

void PickleMachine::put(std::uint32_t index) {
  const ValueId id = top();
  memo_[index] = id;
  if (memo_.size() > limits_.pickle_memo)
    throw Error("more memo entries than the limit pickle_memo = " + std::to_string(limits_.pickle_memo));
}

void PickleMachine::get(std::uint32_t index) {
  const auto it = memo_.find(index);
  if (it == memo_.end()) throw Error("memo entry " + std::to_string(index) + " is used before it is set");
  push(it->second);
}

Pickle PickleMachine::finish(std::size_t end) {
  if (!marks_.empty() || stack_.size() != 1) throw Error("ends with an unbalanced stack");
  pickle_.root = stack_.back();
  pickle_.end = end;
  return std::move(pickle_);
}

}  // namespace thaw
