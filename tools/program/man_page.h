// A program's man page, from the table that --help shows.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace thaw {

// For man(7), of `thaw NAME`; `name`: "train". `version`: "0.1.0".
std::string man_page(const CLI::App& app, const std::string& name, const std::string& version);

}  // namespace thaw
