#include "tools/program.h"

#include <cstdio>
#include <new>

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

}  // namespace

std::unique_ptr<CLI::App> make_app(const std::string& description, const std::string& name) {
  auto app = std::make_unique<CLI::App>(description, name);
  app->option_defaults()->always_capture_default();
  app->set_config("--config", "", "read options from a file, lines NAME = VALUE; the command line wins");
  app->allow_config_extras(CLI::config_extras_mode::error);
  return app;
}

int run_program(CLI::App& app, int argc, char** argv, const std::function<int()>& body) {
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
