// What every program does the same way: options, the config file, errors and exit codes.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace thaw {

// Exit codes of the programs.
enum ExitCode : int {
  exit_done = 0,
  exit_failed = 1,
  exit_usage = 2,
  exit_interrupted = 130,
  exit_terminated = 143
};

// Wrong use that only shows after parsing (an unknown model, options that exclude each other): exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// An App with the conventions of all programs: help shows defaults, and --config FILE reads the same options
// from a file (lines "name = value"; the command line wins; an unknown name is an error).
std::unique_ptr<CLI::App> make_app(const std::string& description, const std::string& name);

// Parses and runs `body`. Errors become one line "error: ..." on stderr. Returns the exit code.
int run_program(CLI::App& app, int argc, char** argv, const std::function<int()>& body);

}  // namespace thaw
