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

void list(std::FILE* to) {
  std::fprintf(to, "Usage: thaw PROGRAM [OPTIONS]; thaw PROGRAM --help says more\n\n");
  for (const Program& p : programs) std::fprintf(to, "  %-12s %s\n", p.name, p.what);
}

int fail(const std::string& why) {
  std::fprintf(stderr, "error: thaw %s\n", why.c_str());
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "";
  if (name.empty() || name == "-h" || name == "--help") {
    list(stdout);
    return 0;
  }
  if (name == "--version") {
    std::printf("thaw " THAW_VERSION "\n");
    return 0;
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
