#include "io/pth/pickle_reader.h"

#include <algorithm>
#include <charconv>

#include "io/file/checked.h"
#include "io/file/text.h"
#include "io/pth/pickle_machine.h"
#include "kernels/error.h"

namespace thaw {
namespace {

class PickleReader {
 public:
  PickleReader(std::span<const std::byte> bytes, std::size_t begin, const ReadLimits& limits)
      : bytes_(bytes), at_(begin), begin_(begin), limits_(limits), machine_(limits) {}

  Pickle read() {
    if (byte() != 0x80) throw Error("does not begin with a protocol mark; protocols 0 and 1 are not read");
    const unsigned protocol = byte();
    if (protocol < 2 || protocol > 5)
      throw Error("protocol " + std::to_string(protocol) + "; 2 to 5 are read");
    for (std::uint64_t count = 0;; ++count) {
      if (count == limits_.pickle_opcodes)
        throw Error("more opcodes than the limit pickle_opcodes = " + std::to_string(limits_.pickle_opcodes));
      if (at_ - begin_ > limits_.pickle_bytes)
        throw Error("longer than the limit pickle_bytes = " + std::to_string(limits_.pickle_bytes));
      opcode_at_ = at_;
      const unsigned opcode = byte();
      if (opcode == '.') return machine_.finish(at_);
      if (!scalar(opcode) && !container(opcode) && !object(opcode)) refuse(opcode);
    }
  }

  std::size_t offset() const { return opcode_at_ - begin_; }

 private:
  [[noreturn]] static void refuse(unsigned opcode) {
    constexpr const char* digits = "0123456789abcdef";
    std::string shown = {'0', 'x', digits[opcode >> 4], digits[opcode & 15u]};
    if (opcode > 0x20 && opcode < 0x7f) shown += std::string(" '") + static_cast<char>(opcode) + "'";
    throw Error("opcode " + shown + " is not allowed in weight files");
  }

  std::string_view take(std::uint64_t size) {
    if (size > bytes_.size() - at_) throw Error("reaches past the end (truncated, or a length that lies)");
    const auto text = as_text(bytes_.subspan(at_, static_cast<std::size_t>(size)));
    at_ += static_cast<std::size_t>(size);
    return text;
  }

  template <class T>
  T load() {
    const std::string_view raw = take(sizeof(T));
    return load_little<T>(as_byte_span(raw), 0);
  }

  unsigned byte() { return load<std::uint8_t>(); }

  std::string_view line() {
    const std::string_view rest = as_text(bytes_.subspan(at_));
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) throw Error("a line without an end");
    at_ += end + 1;
    return rest.substr(0, end);
  }

  void text(std::uint64_t size) {
    const std::string_view value = take(size);
    if (!valid_utf8(value)) throw Error("text that is not UTF-8");
    machine_.push_new(PickleKind::text, 0, value);
  }

  // Strings of Python 2 have no encoding: UTF-8 where they are, else bytes.
  void old_string(std::uint64_t size) {
    const std::string_view value = take(size);
    machine_.push_new(valid_utf8(value) ? PickleKind::text : PickleKind::bytes, 0, value);
  }

  // Two's complement, little-endian, shortest form first.
  void long_integer(std::uint64_t size) {
    if (size > 16) throw Error("an integer of more than 128 bits");
    const std::string_view raw = take(size);
    if (size > 8) return machine_.push_new(PickleKind::big_integer, 0, raw);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < raw.size(); ++i)
      value |= std::uint64_t{static_cast<unsigned char>(raw[i])} << (8 * i);
    const bool negative = !raw.empty() && (static_cast<unsigned char>(raw.back()) & 0x80u) != 0;
    if (negative && size < 8) value |= ~std::uint64_t{0} << (8 * size);
    machine_.push_new(PickleKind::integer, static_cast<std::int64_t>(value));
  }

  // INT: Python 2 writes integers beyond 32 bits as decimal digits, whatever the protocol.
  void decimal() {
    const std::string_view digits = line();
    if (digits == "00" || digits == "01") return machine_.push_boolean(digits == "01");
    std::int64_t value = 0;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (result.ec != std::errc() || result.ptr != digits.data() + digits.size())
      throw Error("an integer that is none or exceeds 64 bits");
    machine_.push_new(PickleKind::integer, value);
  }

  bool scalar(unsigned opcode) {
    switch (opcode) {
      case 'N':
        machine_.push_none();
        return true;
      case 0x88:
        machine_.push_boolean(true);
        return true;
      case 0x89:
        machine_.push_boolean(false);
        return true;
      case 'J':
        machine_.push_new(PickleKind::integer, load<std::int32_t>());
        return true;
      case 'K':
        machine_.push_new(PickleKind::integer, load<std::uint8_t>());
        return true;
      case 'M':
        machine_.push_new(PickleKind::integer, load<std::uint16_t>());
        return true;
      case 'I':
        decimal();
        return true;
      case 0x8a:
        long_integer(byte());
        return true;
      case 0x8b:
        long_integer(load<std::uint32_t>());
        return true;
      case 'G':
        machine_.push_new(PickleKind::real, __builtin_bswap64(load<std::uint64_t>()));
        return true;
      case 'X':
        text(load<std::uint32_t>());
        return true;
      case 0x8c:
        text(byte());
        return true;
      case 0x8d:
        text(load<std::uint64_t>());
        return true;
      case 'U':
        old_string(byte());
        return true;
      case 'T':
        old_string(load<std::uint32_t>());
        return true;
      case 'C':
        machine_.push_new(PickleKind::bytes, 0, take(byte()));
        return true;
      case 'B':
        machine_.push_new(PickleKind::bytes, 0, take(load<std::uint32_t>()));
        return true;
      case 0x8e:
      case 0x96:
        machine_.push_new(PickleKind::bytes, 0, take(load<std::uint64_t>()));
        return true;
      default:
        return false;
    }
  }

  bool container(unsigned opcode) {
    switch (opcode) {
      case '(':
        machine_.mark();
        return true;
      case '0':
        machine_.pop_or_unmark();
        return true;
      case '1':
        machine_.pop_to_mark();
        return true;
      case '2':
        machine_.push(machine_.top());
        return true;
      case ')':
        machine_.push_new(PickleKind::tuple);
        return true;
      case ']':
        machine_.push_new(PickleKind::list);
        return true;
      case '}':
        machine_.push_new(PickleKind::dict);
        return true;
      case 0x8f:
        machine_.push_new(PickleKind::set);
        return true;
      case 't':
        machine_.push_items(PickleKind::tuple, machine_.pop_to_mark());
        return true;
      case 'l':
        machine_.push_items(PickleKind::list, machine_.pop_to_mark());
        return true;
      case 0x91:
        machine_.push_items(PickleKind::set, machine_.pop_to_mark());
        return true;
      case 0x85:
      case 0x86:
      case 0x87:
        small_tuple(opcode - 0x84);
        return true;
      case 'a':
        machine_.append(last(1));
        return true;
      case 'e':
        machine_.append(machine_.pop_to_mark());
        return true;
      case 's':
        machine_.set_items(last(2));
        return true;
      case 'u':
        machine_.set_items(machine_.pop_to_mark());
        return true;
      case 0x90:
        machine_.add_to_set(machine_.pop_to_mark());
        return true;
      default:
        return false;
    }
  }

  bool object(unsigned opcode) {
    switch (opcode) {
      case 'c': {
        const std::string_view module = line();
        machine_.push_global(module, line());
        return true;
      }
      case 0x93:
        machine_.stack_global();
        return true;
      case 'R':
        machine_.reduce();
        return true;
      case 0x81:
        machine_.new_object(false);
        return true;
      case 0x92:
        machine_.new_object(true);
        return true;
      case 'b':
        machine_.build();
        return true;
      case 'Q':
        machine_.persistent();
        return true;
      case 'q':
        machine_.put(byte());
        return true;
      case 'r':
        machine_.put(load<std::uint32_t>());
        return true;
      case 0x94:
        machine_.memoize();
        return true;
      case 'h':
        machine_.get(byte());
        return true;
      case 'j':
        machine_.get(load<std::uint32_t>());
        return true;
      case 0x95:
        frame(load<std::uint64_t>());
        return true;
      default:
        return false;
    }
  }

  std::vector<ValueId> last(std::size_t count) {
    std::vector<ValueId> items(count);
    for (std::size_t i = count; i-- > 0;) items[i] = machine_.pop();
    return items;
  }

  void small_tuple(std::size_t count) { machine_.push_items(PickleKind::tuple, last(count)); }

  // A frame only says how much to read ahead; all is in memory here.
  void frame(std::uint64_t size) {
    if (size > bytes_.size() - at_) throw Error("a frame longer than the pickle");
  }

  std::span<const std::byte> bytes_;
  std::size_t at_;
  const std::size_t begin_;
  std::size_t opcode_at_ = 0;
  const ReadLimits& limits_;
  PickleMachine machine_;
};

}  // namespace

Pickle read_pickle(std::span<const std::byte> bytes, std::size_t begin, const std::string& where,
                   const ReadLimits& limits) {
  if (begin > bytes.size()) throw Error(where + ": the file ends before its pickle (truncated)");
  PickleReader reader(bytes, begin, limits);
  try {
    return reader.read();
  } catch (const Error& error) {
    throw Error(where + ": pickle byte " + std::to_string(reader.offset()) + ": " + error.what());
  }
}

}  // namespace thaw
