#include "io/data/csv.h"

#include <algorithm>

#include "io/file/text.h"
#include "kernels/error.h"

namespace thaw {

namespace {

class Parser {
 public:
  Parser(std::string_view text, const std::string& name) : text_(text), name_(name) {
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    if (text_.starts_with(byte_order_mark)) text_.remove_prefix(byte_order_mark.size());
  }

  // The next row that is not empty; false at the end.
  bool next(CsvRow& row) {
    while (skip_line_end()) {
    }
    if (text_.empty()) return false;
    row.line = line_;
    row.fields.clear();
    row.fields.push_back(field());
    while (take(',')) row.fields.push_back(field());
    if (!text_.empty() && !skip_line_end()) fail("the closing quote is followed by more text");
    return true;
  }

  [[noreturn]] void fail(const std::string& what) const { fail(line_, what); }
  [[noreturn]] void fail(std::int64_t line, const std::string& what) const {
    throw Error(printable(name_) + ":" + std::to_string(line) + ": " + what);
  }

 private:
  bool take(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }

  // A line of spaces only is an empty one.
  bool skip_line_end() {
    const std::size_t end = std::min(text_.find_first_not_of(" \t\r"), text_.size());
    if (end < text_.size() && text_[end] != '\n') return false;
    if (text_.empty()) return false;
    text_.remove_prefix(std::min(end + 1, text_.size()));
    ++line_;
    return true;
  }

  std::string field() {
    text_.remove_prefix(std::min(text_.find_first_not_of(" \t"), text_.size()));
    return take('"') ? quoted() : plain();
  }

  std::string plain() {
    std::string_view found = text_.substr(0, text_.find_first_of(",\n"));
    text_.remove_prefix(found.size());
    found = found.substr(0, found.find_last_not_of(" \t\r") + 1);
    if (found.find('"') != std::string_view::npos)
      fail("a quote inside a field; put the whole field in quotes and double those inside");
    if (found.find('\0') != std::string_view::npos) fail("a NUL byte; save the file as UTF-8");
    return std::string(found);
  }

  std::string quoted() {
    const std::int64_t begin = line_;
    std::string value;
    for (;;) {
      if (text_.empty()) fail(begin, "a quote that is opened here is never closed");
      const char c = text_.front();
      text_.remove_prefix(1);
      if (c == '"' && !take('"')) break;
      if (c == '\n') ++line_;
      if (c == '\0') fail("a NUL byte; save the file as UTF-8");
      value += c;
    }
    text_.remove_prefix(std::min(text_.find_first_not_of(" \t"), text_.size()));
    if (text_.starts_with("\r\n")) text_.remove_prefix(1);
    if (!text_.empty() && text_.front() != ',' && text_.front() != '\n')
      fail("the closing quote is followed by more text");
    return value;
  }

  std::string_view text_;
  const std::string& name_;
  std::int64_t line_ = 1;
};

}  // namespace

CsvTable parse_csv(std::string_view text, const std::string& name) {
  Parser parser(text, name);
  CsvTable table;
  CsvRow row;
  if (!parser.next(row)) throw Error(printable(name) + ": is empty; the first line names the columns");
  table.columns = row.fields;
  for (auto column = table.columns.begin(); column != table.columns.end(); ++column) {
    if (column->empty()) parser.fail(row.line, "a column without a name");
    if (std::find(table.columns.begin(), column, *column) != column)
      parser.fail(row.line, "two columns are named '" + printable(*column) + "'");
  }
  while (parser.next(row)) {
    if (row.fields.size() != table.columns.size())
      parser.fail(row.line, std::to_string(row.fields.size()) + " fields, but the first line names " +
                                std::to_string(table.columns.size()) + " columns");
    table.rows.push_back(std::move(row));
  }
  if (table.rows.empty()) throw Error(printable(name) + ": has no rows below the names of the columns");
  return table;
}

}  // namespace thaw
