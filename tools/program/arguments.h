// The command line and the config file before CLI11 reads them: other programs' names of options become ours, and a name
// that is unknown is answered with the nearest.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

namespace thaw {

// The long name of `app`'s option that is meant by `name`: itself, or what timm, torchvision or Hugging Face call it. Throws
// UsageError with the nearest names, or with how it is done here, if there is none.
std::string option_name(const CLI::App& app, const std::string& name);

// The arguments behind the program's name, in the order of the command line.
std::vector<std::string> checked_arguments(const CLI::App& app, int argc, const char* const* argv);

// Reads --config files of `app`, which must outlive it.
std::shared_ptr<CLI::Config> checked_config(const CLI::App& app);

}  // namespace thaw
