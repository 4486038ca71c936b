#include "tools/program/values.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

#include "io/file/text.h"

namespace thaw {
namespace {

// A validator of numbers that take `allowed`, said in `words`.
template <class Allowed>
CLI::Validator number(Allowed allowed, const std::string& words) {
  return {[allowed, words](const std::string& text) -> std::string {
            char* end = nullptr;
            const double value = std::strtod(text.c_str(), &end);
            if (!text.empty() && *end == '\0' && allowed(value)) return "";
            return fmt::format("'{}' is no number {}", printable(text, 40), words);
          },
          ""};
}

std::string figure(double value) {
  return value == std::floor(value) ? fmt::format("{:.0f}", value) : fmt::format("{}", value);
}

}  // namespace

CLI::Validator between(double least, double most) {
  return number([=](double value) { return value >= least && value <= most; },
                "from " + figure(least) + " to " + figure(most));
}

CLI::Validator above_zero() {
  return number([](double value) { return value > 0; }, "above 0");
}

CLI::Validator above_zero_or(const std::string& word) {
  return {[numbers = above_zero(), word](std::string& text) -> std::string {
            if (text == word) return "";
            if (!std::isfinite(std::strtod(text.c_str(), nullptr)))
              return fmt::format("'{}' is no number to compute with", printable(text, 40));
            const std::string wrong = numbers(text);
            return wrong.empty() ? "" : wrong + ", nor the word " + word;
          },
          ""};
}

CLI::Validator zero_or_more() {
  return number([](double value) { return value >= 0; }, "of 0 or more");
}

CLI::Validator one_of(std::vector<std::string> choices) {
  // The description stands in --help.
  const std::string help = fmt::format("{}", fmt::join(choices, "|"));
  const std::string listed = fmt::format("{}", fmt::join(choices, ", "));
  return {[choices = std::move(choices), listed](const std::string& text) -> std::string {
            for (const std::string& choice : choices)
              if (choice == text) return "";
            return fmt::format("'{}' is none of {}", printable(text, 40), listed);
          },
          help};
}

}  // namespace thaw
