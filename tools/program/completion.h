// What makes a shell complete a program's options, from the table that --help shows.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace thaw {

// A script of bash with the function _thaw_NAME, which completes thaw-NAME; `name`: "train".
std::string bash_completion(const CLI::App& app, const std::string& name);
// The function _thaw-NAME of zsh, a file of its own.
std::string zsh_completion(const CLI::App& app, const std::string& name);

}  // namespace thaw
