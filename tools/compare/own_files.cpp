#include "tools/compare/own_files.h"

#include <filesystem>

#include "io/file/bytes.h"
#include "io/file/text.h"
#include "kernels/error.h"

namespace thaw {

void check_own_files(const OutputDirectory& output) {
  struct Mark {
    const char *name, *text;
  };
  constexpr Mark marks[] = {{"compare.md", "| plan | trained parameters |"},
                            {"compare.html", "<title>How many blocks to thaw</title>"},
                            {"compare.json", "{\"plans\":["}};
  constexpr std::uint64_t most = std::uint64_t{256} << 20;
  for (const Mark& mark : marks) {
    const std::string file = output.file(mark.name);
    if (!std::filesystem::exists(file)) continue;
    const bool own = std::filesystem::is_regular_file(file) &&
                     as_text(FileBytes(file, most).bytes()).find(mark.text) != std::string_view::npos;
    if (!own)
      throw Error(file +
                  ": is not of compare and would be overwritten; move it away, or give another --output");
  }
}

}  // namespace thaw
