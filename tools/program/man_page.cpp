#include "tools/program/man_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "tools/program/option_table.h"

namespace thaw {
namespace {

// Text that groff prints as it stands.
std::string plain(const std::string& text) {
  std::string out;
  if (text.starts_with('.') || text.starts_with('\'')) out = "\\&";
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if (c == '\'')
      out += "\\(aq";
    else
      out += c;
  }
  return out;
}

std::string bold(const std::string& text) {
  return "\\fB" + plain(text) + "\\fR";
}

std::string italic(const std::string& text) {
  return "\\fI" + plain(text) + "\\fR";
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

// "-b, --batch-size N".
std::string term(const OptionRow& row) {
  if (row.names.empty()) return italic(row.value);
  std::string text;
  for (const std::string& name : row.names) text += (text.empty() ? "" : ", ") + bold(name);
  return row.value.empty() ? text : text + " " + italic(row.value);
}

std::string entry(const OptionRow& row) {
  return ".TP\n" + term(row) + "\n" + plain(row.text) + "\n";
}

// Up to the first full stop or question mark.
std::string first_sentence(const std::string& text) {
  const std::size_t end = std::min({text.find(". "), text.find("? "), text.size()});
  return text.substr(0, text[std::min(end, text.size() - 1)] == '?' ? end + 1 : end);
}

}  // namespace

std::string man_page(const CLI::App& app, const std::string& name, const std::string& version) {
  const std::vector<OptionRow> rows = option_table(app);
  std::string description = app.get_description();
  std::string short_one = first_sentence(description);
  if (short_one.ends_with('.')) short_one.pop_back();
  std::string page =
      fmt::format(".TH \"{}\" 1 \"\" \"Thaw {}\" \"Thaw\"\n", plain(upper("thaw-" + name)), version);
  page += fmt::format(".SH NAME\n{} \\- {}\n", plain("thaw-" + name), plain(short_one));
  page += fmt::format(".SH SYNOPSIS\n{} [{}]...", bold("thaw " + name), italic("OPTION"));
  std::string arguments;
  for (const OptionRow& row : rows) {
    if (!row.names.empty()) continue;
    page += fmt::format(" {}{}", italic(row.value), row.repeated ? "..." : "");
    arguments += entry(row);
  }
  page += ".SH DESCRIPTION\n" + plain(description) + "\n";
  page.insert(page.rfind(".SH DESCRIPTION"), "\n");
  if (!arguments.empty()) page += ".SH ARGUMENTS\n" + arguments;
  page += ".SH OPTIONS\n";
  for (const std::string& group : app.get_groups()) {
    std::string entries;
    for (const OptionRow& row : rows)
      if (row.group == group && !row.names.empty()) entries += entry(row);
    if (!entries.empty()) page += (group == "Options" ? "" : ".SS \"" + plain(group) + "\"\n") + entries;
  }
  if (const std::size_t example = app.get_footer().find(name + " "); example != std::string::npos)
    page += ".SH EXAMPLE\n.EX\n" + plain("thaw " + app.get_footer().substr(example)) + "\n.EE\n";
  page +=
      ".SH EXIT STATUS\n"
      "0: done. 1: failed. 2: wrong use. 130 and 143: stopped by a signal, where the program saves what it "
      "has.\n"
      ".SH SEE ALSO\n.BR thaw (1)\n";
  return page;
}

}  // namespace thaw
