#include <fmt/format.h>

#include "tools/program/completion.h"
#include "tools/program/option_table.h"

namespace thaw {
namespace {

// For _arguments, between single quotes; what has a meaning there stands behind a backslash.
std::string quoted(const std::string& text, const std::string& special) {
  std::string out;
  for (const char c : text) {
    if (special.find(c) != std::string::npos) out += '\\';
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return out;
}

// ":FILE:_files".
std::string value(const OptionRow& row) {
  if (row.value.empty()) return "";
  std::string action = " ";
  if (row.completion == Completion::words) action = fmt::format("({})", fmt::join(row.words, " "));
  if (row.completion == Completion::file) action = "_files";
  if (row.completion == Completion::folder) action = "_files -/";
  return ":" + quoted(row.value, "\\:") + ":" + action;
}

}  // namespace

std::string zsh_completion(const CLI::App& app, const std::string& name) {
  std::string script = fmt::format("#compdef thaw-{}\n_arguments -S", name);
  for (const OptionRow& row : option_table(app)) {
    if (row.names.empty()) script += fmt::format(" \\\n  '{}{}'", row.repeated ? "*" : "", value(row));
    // Each name excludes all of them, unless the option may come again.
    const std::string others = row.repeated ? "*" : fmt::format("({})", fmt::join(row.names, " "));
    for (const std::string& option : row.names) {
      const char* joined = row.value.empty() ? "" : option.starts_with("--") ? "=" : "+";
      script +=
          fmt::format(" \\\n  '{}{}{}[{}]{}'", others, option, joined, quoted(row.text, "\\[]"), value(row));
    }
  }
  return script + "\n";
}

}  // namespace thaw
