// What the values of options may be. A refused value is answered with what is taken.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace thaw {

CLI::Validator between(double least, double most);  // both included
CLI::Validator above_zero();
CLI::Validator above_zero_or(const std::string& word);
CLI::Validator zero_or_more();
CLI::Validator one_of(std::vector<std::string> choices);

}  // namespace thaw
