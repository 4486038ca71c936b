// thaw NAME ...: runs the program NAME that stands beside it, as thaw-NAME where Thaw is installed.
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <string>

namespace {

struct Program {
  const char *name, *what;
};

constexpr std::array programs{
    Program{"train", "fine-tunes a network on a folder of pictures"},
    Program{"compare", "how many blocks to thaw, in one command"},
    Program{"evaluate", "how good a network is on labelled pictures"},
    Program{"predict", "what a network says about pictures"},
    Program{"inspect", "what a file holds, and what a freeze plan means"},
    Program{"convert", "weights from PyTorch's files or to them"},
    Program{"bench", "how fast a network's ops or steps are on this machine"},
    Program{"make_shapes", "pictures to try all this with"},
};

void list() {
  std::printf("Usage: thaw PROGRAM [OPTIONS]; thaw PROGRAM --help says more\n\n");
  for (const Program& p : programs) std::printf("  %-12s %s\n", p.name, p.what);
}

// "-" as man(7) has it.
std::string roff(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '-' ? std::string("\\-") : std::string(1, c);
  return out;
}

void print_man() {
  std::printf(
      ".TH THAW 1 \"\" \"Thaw " THAW_VERSION
      "\" \"Thaw\"\n"
      ".SH NAME\nthaw \\- trains image classifiers on folders of pictures\n"
      ".SH SYNOPSIS\n\\fBthaw\\fR \\fIPROGRAM\\fR [\\fIOPTION\\fR]...\n.br\n"
      "\\fBthaw\\fR \\fB\\-\\-help\\fR | \\fB\\-\\-version\\fR\n"
      ".SH DESCRIPTION\nRuns the program thaw\\-PROGRAM. Each has a man page, and \\fB\\-\\-help\\fR.\n"
      ".SH PROGRAMS\n");
  for (const Program& p : programs) std::printf(".TP\n.B %s\n%s\n", p.name, roff(p.what).c_str());
  std::printf(".SH SEE ALSO\n");
  for (const Program& p : programs)
    std::printf(".BR thaw\\-%s (1)%s\n", p.name, &p == &programs.back() ? "" : ",");
}

void print_bash_completion() {
  std::string names;
  for (const Program& p : programs) names += std::string(p.name) + " ";
  std::printf(R"(# bash completion of thaw; that of thaw NAME is in the file thaw-NAME beside this one
_thaw() {
  local program=${COMP_WORDS[1]}
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W '%s--help --version' -- "$program")
  elif declare -F "_thaw_$program" >/dev/null || . "${BASH_SOURCE[0]%%/*}/thaw-$program" 2>/dev/null; then
    "_thaw_$program"
  fi
}
complete -F _thaw thaw
)",
              names.c_str());
}

void print_zsh_completion() {
  std::string names;
  for (const Program& p : programs) names += std::string(" \"") + p.name + ":" + p.what + "\"";
  std::printf(R"(#compdef thaw
local curcontext=$curcontext state line
local -a programs=(%s)
_arguments -C '(- *)--help[list the programs and exit]' '(- *)--version[print the version and exit]' \
  '1:program:->program' '*::option:->options'
case $state in
  program) _describe program programs ;;
  options) if (( $+functions[_thaw-$words[1]] )); then _thaw-$words[1]; fi ;;
esac
)",
              names.c_str() + 1);
}

int fail(const std::string& why, int code = 2) {
  std::fprintf(stderr, "error: thaw %s\n", why.c_str());
  return code;
}

// The exit code after printing.
int printed() {
  return std::fflush(stdout) == 0 && std::ferror(stdout) == 0
             ? 0
             : fail("cannot write to standard output; is the disk full?", 1);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "";
  if (name.empty() || name == "-h" || name == "--help") {
    list();
    return printed();
  }
  if (name == "--version") {
    std::printf("thaw " THAW_VERSION "\n");
    return printed();
  }
  if (name == "--print-man") {
    print_man();
    return printed();
  }
  if (name == "--print-completion") {
    const std::string shell = argc > 2 ? argv[2] : "";
    if (shell != "bash" && shell != "zsh") return fail(name + ": give bash or zsh");
    shell == "bash" ? print_bash_completion() : print_zsh_completion();
    return printed();
  }
  std::string known;
  for (const Program& p : programs) {
    known += known.empty() ? p.name : std::string(", ") + p.name;
    if (name != p.name) continue;
    std::error_code error;
    const std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
    for (const std::string& file : {"thaw-" + name, name}) {
      const std::string path = (folder / file).string();
      std::string called = "thaw-" + name;
      argv[1] = called.data();
      execv(path.c_str(), argv + 1);
    }
    return fail(name + ": its program is not in " + folder.string() + "; install Thaw anew");
  }
  return fail("has no program '" + name + "'; there are " + known);
}
