#include "tools/program/frame.h"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "io/file/bytes.h"
#include "kernels/error.h"

namespace thaw {
namespace {

std::string one_line(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

int fail(const std::string& message, int code) {
  std::fflush(stdout);
  std::fprintf(stderr, "error: %s\n", one_line(message).c_str());
  return code;
}

// CLI11 takes "nan" for a number, and wraps or saturates whole numbers that do not fit.
std::string no_number(const std::string& text) {
  return std::isfinite(std::strtod(text.c_str(), nullptr)) ? "" : text + " is no number to compute with";
}

std::string no_count(const std::string& text) {
  errno = 0;
  std::strtoull(text.c_str(), nullptr, 10);
  return text.find('-') == std::string::npos && errno == 0 ? "" : text + " is not in 0 to 2^64 - 1";
}

void check_numbers(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    const std::string type = option->get_type_name();
    if (type.starts_with("FLOAT")) option->transform(CLI::Validator(no_number, ""));
    if (type.starts_with("UINT")) option->transform(CLI::Validator(no_count, ""));
  }
}

}  // namespace

std::unique_ptr<CLI::App> make_app(const std::string& description, const std::string& name) {
  auto app = std::make_unique<CLI::App>(description, name);
  app->option_defaults()->always_capture_default();
  app->set_config("--config", "", "read options from a file, lines NAME = VALUE; the command line wins");
  app->get_config_ptr()->check(CLI::Validator(
      [](const std::string& path) -> std::string {
        constexpr std::uint64_t limit = std::uint64_t{1} << 20;  // a pipe or a device would never end
        try {
          FileBytes(path, limit);
          return "";
        } catch (const Error& e) {
          return e.what();
        }
      },
      ""));
  app->allow_config_extras(CLI::config_extras_mode::error);
  return app;
}

int run_program(CLI::App& app, int argc, char** argv, const std::function<int()>& body) {
  check_numbers(app);
  const std::string_view called = argc > 0 ? argv[0] : "";
  const std::string_view file = called.substr(called.rfind('/') + 1);
  if (file.starts_with("thaw-")) app.name("thaw " + std::string(file.substr(5)));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);
    return fail(std::string(e.what()) + "; see --help", exit_usage);
  } catch (const std::exception& e) {
    return fail(e.what(), exit_usage);
  }
  try {
    const int code = body();
    if (std::fflush(stdout) != 0) return fail("cannot write to standard output", exit_failed);
    return code;
  } catch (const UsageError& e) {
    return fail(e.what(), exit_usage);
  } catch (const std::bad_alloc&) {
    return fail("out of memory; try a smaller --batch-size or --input-size", exit_failed);
  } catch (const std::exception& e) {
    return fail(e.what(), exit_failed);
  }
}

}  // namespace thaw
