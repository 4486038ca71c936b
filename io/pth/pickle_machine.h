// The stack machine behind io/pth/pickle_reader.h: stack, marks, memo and the arena, each with its budget.
#pragma once

#include <span>
#include <unordered_map>

#include "io/file/read_options.h"
#include "io/pth/pickle_value.h"

namespace thaw {

class PickleMachine {
 public:
  explicit PickleMachine(const ReadLimits& limits);

  // All throw Error("...") without a place; the reader adds file and offset.
  void push(ValueId id);
  ValueId pop();
  ValueId top() const;
  void mark() { marks_.push_back(stack_.size()); }
  std::vector<ValueId> pop_to_mark();
  void pop_or_unmark();  // POP takes a mark away where one lies on top

  void push_none() { push(0); }
  void push_boolean(bool value) { push(value ? 2 : 1); }
  void push_new(PickleKind kind, std::int64_t number = 0, std::string_view text = {});
  void push_items(PickleKind kind, std::vector<ValueId> items);
  void push_global(std::string_view module, std::string_view name);
  void stack_global();

  void append(std::span<const ValueId> items);  // onto the list, or the opaque object, on top
  void add_to_set(std::span<const ValueId> items);
  void set_items(
      std::span<const ValueId> items);  // key, value ... into the dict, or the opaque object, on top
  void reduce();
  void new_object(bool with_keywords);
  void build();
  void persistent();

  void put(std::uint32_t index);
  void memoize() { put(static_cast<std::uint32_t>(memo_.size())); }
  void get(std::uint32_t index);

  Pickle finish(std::size_t end);  // STOP: exactly one value on the stack, no mark

 private:
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  void spend(std::size_t slots);
  void push_call(ValueId function, std::vector<ValueId> arguments);
  void push_ordered_dict(const std::vector<ValueId>& arguments);

  const ReadLimits limits_;
  Pickle pickle_;
  std::vector<ValueId> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint32_t, ValueId> memo_;
  std::size_t spent_ = 0;
};

}  // namespace thaw
