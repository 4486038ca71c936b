// The options of a program as --help, its man page and the completion of shells show them.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace thaw {

enum class Completion { nothing, words, file, folder };

struct OptionRow {
  std::string group;
  std::vector<std::string> names;  // "-b", "--batch-size", as they are typed; empty: a positional
  std::string value;               // "N", "FILE", "sgd|adamw", of a positional "IMAGE"; empty: it takes none
  std::string text;                // with the default
  bool repeated = false;           // may stand several times
  Completion completion = Completion::nothing;  // of the value
  std::vector<std::string> words;               // that complete it
};

OptionRow option_row(const CLI::Option& option);
// All but the hidden ones, in the order in which they were added.
std::vector<OptionRow> option_table(const CLI::App& app);

}  // namespace thaw
