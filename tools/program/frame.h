// What every program does the same way: options, the config file, errors and exit codes.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "tools/program/usage_error.h"

namespace thaw {

// Exit codes of the programs.
enum ExitCode : int {
  exit_done = 0,
  exit_failed = 1,
  exit_usage = 2,
  exit_interrupted = 130,
  exit_terminated = 143
};

// An App with the conventions of all programs: help shows groups, defaults and the example, --version, and --config FILE
// reads the same options from a file (lines "name = value"; the command line wins; an unknown name is an error).
std::unique_ptr<CLI::App> make_app(const std::string& description, const std::string& name,
                                   const std::string& example = "");

// --help lists the options that are added from here on under `name`.
void begin_group(CLI::App& app, const std::string& name = "Options");

// Parses `arguments`, the last one first, as CLI11 takes them. Throws UsageError with one line, or CLI::Success for --help and
// --version.
void parse(CLI::App& app, std::vector<std::string> arguments);

// Parses and runs `body`. Errors become one line "error: ..." on stderr. Returns the exit code.
int run_program(CLI::App& app, int argc, char** argv, const std::function<int()>& body);

}  // namespace thaw
