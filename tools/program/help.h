// --help: options in groups, at most 100 columns wide.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>

namespace thaw {

std::shared_ptr<CLI::FormatterBase> help_formatter();

}  // namespace thaw
