#include "tools/program/help.h"

#include <algorithm>
#include <string>

#include "tools/program/option_table.h"

namespace thaw {
namespace {

constexpr std::size_t columns = 100, indent = 30;

// Breaks `text` at spaces into lines that begin at column `from`; the first one is there already.
std::string wrapped(const std::string& text, std::size_t from) {
  std::string out;
  std::size_t at = from, begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    begin = end + 1;
    if (at > from && at + 1 + word.size() > columns) {
      out += '\n' + std::string(from, ' ');
      at = from;
    }
    if (at > from) out += ' ', ++at;
    out += word;
    at += word.size();
  }
  return out;
}

class Help final : public CLI::Formatter {
 public:
  std::string make_option(const CLI::Option* option, bool positional) const override {
    const OptionRow row = option_row(*option);
    std::string left = "  ";
    if (positional) {
      left += row.value;
    } else {
      for (const std::string& name : option->get_snames()) left += "-" + name + ", ";
      left += "--" + option->get_lnames().front();
      if (!row.value.empty()) left += " " + row.value;
    }
    left +=
        left.size() + 1 < indent ? std::string(indent - left.size(), ' ') : "\n" + std::string(indent, ' ');
    return left + wrapped(row.text, indent) + "\n";
  }
  std::string make_description(const CLI::App* app) const override {
    return wrapped(app->get_description(), 0) + "\n\n";
  }
};

}  // namespace

std::shared_ptr<CLI::FormatterBase> help_formatter() {
  return std::make_shared<Help>();
}

}  // namespace thaw
