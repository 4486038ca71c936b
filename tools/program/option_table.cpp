#include "tools/program/option_table.h"

#include <algorithm>

#include "models/registry.h"

namespace thaw {
namespace {

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(at, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

// "N" of "INT", "a|b" of "TEXT:a|b".
std::string value_name(const CLI::Option& option) {
  if (option.get_expected_max() == 0) return "";
  const std::string type = option.get_type_name(), kind = type.substr(0, type.find(':'));
  if (type.find('|') != std::string::npos) return type.substr(kind.size() + 1);
  if (kind == "INT" || kind == "UINT") return "N";
  return kind == "FLOAT" ? "X" : kind;
}

// How a shell completes the value.
void set_completion(OptionRow& row) {
  const auto is = [&row](const char* name) {
    return std::find(row.names.begin(), row.names.end(), name) != row.names.end();
  };
  if (is("--model")) row.words = model_names();
  if (row.value.find('|') != std::string::npos) row.words = split(row.value, '|');
  if (!row.words.empty())
    row.completion = Completion::words;
  else if (row.value == "FILE" || row.names.empty() || is("--data"))  // --data: a folder or a CSV file
    row.completion = Completion::file;
  else if (row.value == "DIR")
    row.completion = Completion::folder;
}

}  // namespace

OptionRow option_row(const CLI::Option& option) {
  OptionRow row;
  row.group = option.get_group();
  for (const std::string& name : option.get_snames()) row.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) row.names.push_back("--" + name);
  row.value = option.get_positional() ? option.get_name(true) : value_name(option);
  row.repeated = option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll ||
                 (option.get_positional() && option.get_expected_max() > 1);
  row.text = option.get_description();
  if (option.get_required()) row.text += " (required)";
  const std::string usual = option.get_default_str();
  if (!option.get_positional() && !row.value.empty() && !usual.empty() &&
      row.text.find("(default") == std::string::npos)
    row.text += " (default: " + usual + ")";
  set_completion(row);
  return row;
}

std::vector<OptionRow> option_table(const CLI::App& app) {
  std::vector<OptionRow> rows;
  for (const CLI::Option* option : app.get_options())
    if (!option->get_group().empty()) rows.push_back(option_row(*option));
  return rows;
}

}  // namespace thaw
