#include "tools/program/frame.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <new>

#include "io/file/bytes.h"
#include "io/file/text.h"
#include "kernels/error.h"
#include "tools/program/arguments.h"
#include "tools/program/completion.h"
#include "tools/program/help.h"
#include "tools/program/man_page.h"
#include "tools/program/values.h"

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

bool output_failed() {
  std::cout.flush();
  return std::fflush(stdout) != 0 || std::ferror(stdout) != 0 || !std::cout.good();
}

// The exit code, unless what was printed has not arrived.
int ended(int code) {
  return output_failed() ? fail("cannot write to standard output; is the disk full?", exit_failed) : code;
}

// CLI11 takes "nan" for a number, and wraps or saturates whole numbers that do not fit.
std::string no_number(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  return !text.empty() && *end == '\0' && std::isfinite(value)
             ? ""
             : "'" + printable(text, 40) + "' is no number to compute with";
}

std::string no_whole_number(const std::string& text) {
  errno = 0;
  char* end = nullptr;
  std::strtoll(text.c_str(), &end, 10);
  return !text.empty() && *end == '\0' && errno == 0 ? ""
                                                     : "'" + printable(text, 40) + "' is no whole number";
}

std::string no_count(const std::string& text) {
  errno = 0;
  char* end = nullptr;
  std::strtoull(text.c_str(), &end, 10);
  const bool good = !text.empty() && *end == '\0' && text.find('-') == std::string::npos && errno == 0;
  return good ? "" : "'" + printable(text, 40) + "' is no whole number from 0 to 2^64 - 1";
}

// A thread that waits for its team shall sleep soon, so that other work on the machine does not make it wait for a spinning
// one. GCC's OpenMP reads this when the program is loaded, so the program begins again.
void let_waiting_threads_sleep(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) return;
  ::setenv("GOMP_SPINCOUNT", "10000", 1);
  ::execv("/proc/self/exe", argv);  // where that cannot be, threads spin
}

void check_numbers(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    const std::string type = option->get_type_name();
    if (type.starts_with("FLOAT")) option->transform(CLI::Validator(no_number, ""));
    if (type.starts_with("INT")) option->transform(CLI::Validator(no_whole_number, ""));
    if (type.starts_with("UINT")) option->transform(CLI::Validator(no_count, ""));
  }
}

// Hidden: what is made of the options when Thaw is built.
void add_documents(CLI::App& app, const std::string& name) {
  const auto print = [](std::string text) {
    text.pop_back();  // CLI11 ends the line
    throw CLI::CallForVersion(text, exit_done);
  };
  app.add_flag_callback("--print-man", [=, &app] { print(man_page(app, name, THAW_VERSION)); })->group("");
  app.add_option_function<std::string>(
         "--print-completion",
         [=, &app](const std::string& shell) {
           print(shell == "bash" ? bash_completion(app, name) : zsh_completion(app, name));
         })
      ->check(one_of({"bash", "zsh"}))
      ->group("");
}

}  // namespace

std::unique_ptr<CLI::App> make_app(const std::string& description, const std::string& name,
                                   const std::string& example) {
  auto app = std::make_unique<CLI::App>(description, name);
  app->formatter(help_formatter());
  if (!example.empty()) app->footer("Example:\n  " + example);
  app->set_version_flag("--version", name + " of Thaw " THAW_VERSION, "print the version and exit");
  app->set_help_flag("-h,--help", "print this help and exit");
  app->option_defaults()->always_capture_default();
  app->set_config("--config", "", "read options from a file, lines NAME = VALUE; the command line wins");
  app->config_formatter(checked_config(*app));
  app->get_config_ptr()->type_name("FILE")->check(CLI::Validator(
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
  add_documents(*app, name);
  return app;
}

void begin_group(CLI::App& app, const std::string& name) {
  app.option_defaults()->group(name);
}

void parse(CLI::App& app, std::vector<std::string> arguments) try {
  check_numbers(app);
  app.parse(std::move(arguments));
} catch (const CLI::Success&) {
  throw;
} catch (const CLI::ExtrasError&) {
  throw UsageError("what is '" + printable(app.remaining().front(), 60) +
                   "'? options begin with --, and a name that holds spaces stands in quotes; see --help");
} catch (const CLI::ArgumentMismatch& e) {
  const std::string text = e.what(), name = text.substr(0, text.find(':'));
  throw UsageError((text.find("missing") != std::string::npos ? name + " needs a value" : text) +
                   "; see --help");
} catch (const CLI::ParseError& e) {
  throw UsageError(std::string(e.what()) + "; see --help");
}

int run_program(CLI::App& app, int argc, char** argv, const std::function<int()>& body) {
  if (argc > 0) let_waiting_threads_sleep(argv);
  const std::string_view called = argc > 0 ? argv[0] : "";
  const std::string_view file = called.substr(called.rfind('/') + 1);
  if (file.starts_with("thaw-")) {
    const std::string name(file.substr(5)), footer = app.get_footer();
    app.name("thaw " + name);
    if (const std::size_t example = footer.find(name + " "); example != std::string::npos)
      app.footer(std::string(footer).insert(example, "thaw "));
  }
  try {
    std::vector<std::string> arguments = checked_arguments(app, argc, argv);
    std::reverse(arguments.begin(), arguments.end());
    parse(app, std::move(arguments));
  } catch (const CLI::Success& e) {
    return ended(app.exit(e));  // --help, --version
  } catch (const std::exception& e) {
    return fail(e.what(), exit_usage);
  }
  try {
    return ended(body());
  } catch (const UsageError& e) {
    return fail(e.what(), exit_usage);
  } catch (const std::bad_alloc&) {
    return fail("out of memory; try a smaller --batch-size or --input-size", exit_failed);
  } catch (const std::exception& e) {
    if (output_failed()) return ended(exit_failed);
    return fail(e.what(), exit_failed);
  }
}

}  // namespace thaw
