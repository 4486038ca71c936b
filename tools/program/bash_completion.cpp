#include <fmt/format.h>

#include <map>

#include "tools/program/completion.h"
#include "tools/program/option_table.h"

namespace thaw {
namespace {

// The command that fills COMPREPLY. No word holds a space or a quote.
std::string reply(Completion completion, const std::vector<std::string>& words) {
  switch (completion) {
    case Completion::words:
      return fmt::format("mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$cur\")", fmt::join(words, " "));
    case Completion::file:
      return "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")";
    case Completion::folder:
      return "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")";
    case Completion::nothing:
      break;
  }
  return "COMPREPLY=()";
}

}  // namespace

std::string bash_completion(const CLI::App& app, const std::string& name) {
  std::vector<std::string> options;
  std::map<std::string, std::vector<std::string>>
      by_reply;  // the names of the options whose value it completes
  std::string otherwise;
  for (const OptionRow& row : option_table(app)) {
    options.insert(options.end(), row.names.begin(), row.names.end());
    if (row.names.empty()) otherwise = reply(row.completion, row.words);
    if (row.names.empty() || row.value.empty()) continue;
    std::vector<std::string>& names = by_reply[reply(row.completion, row.words)];
    names.insert(names.end(), row.names.begin(), row.names.end());
  }
  const std::string all = reply(Completion::words, options);
  std::string script = fmt::format(
      "# bash completion of thaw-{0}\n"
      "_thaw_{0}() {{\n"
      "  local cur=${{COMP_WORDS[COMP_CWORD]}} option=${{COMP_WORDS[COMP_CWORD - 1]}}\n"
      "  if [[ $cur == '=' ]]; then cur=''; elif [[ $option == '=' ]]; then option=${{COMP_WORDS[COMP_CWORD "
      "- 2]}}; fi\n"
      "  case $option in\n",
      name);
  for (const auto& [command, names] : by_reply)
    script += fmt::format("    {}) {}; return ;;\n", fmt::join(names, " | "), command);
  script += "  esac\n";
  script += otherwise.empty() ? "  " + all + "\n"
                              : fmt::format("  if [[ $cur == -* ]]; then {}; else {}; fi\n", all, otherwise);
  return script + fmt::format("}}\ncomplete -F _thaw_{0} thaw-{0}\n", name);
}

}  // namespace thaw
