// Asks the real cuDNN about GPUs that are not there, and compares its answers with those that are committed.
//   deviceless sample         every convolution of the networks in tables.cpp has an engine at batch 32
//   deviceless engines FILE   the same at every batch, and their table in FILE (docs/cuda.md)
//   deviceless answers FILE   what the fake of tests/simt must obey (tests/simt/cudnn_answers.tsv)
//
// With --write the file is brought up to date instead. Exit code 1: a graph without an engine, or another
// answer. Needs a libcuda.so.1 on the library path; the toolkit's stub will do, and so does the driver of any
// GPU.
#include <dlfcn.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "kernels/error.h"
#include "tests/simt/deviceless/tables.h"

namespace {

using namespace thaw;

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(path + ": cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

// The part of a file that a table fills: a whole file, or what lies between two marks.
struct Place {
  std::size_t begin = 0, end = 0;
};

Place place_in(const std::string& text, const std::string& mark) {
  if (mark.empty()) return {0, text.size()};
  const std::string first = "<!-- " + mark + " -->\n", last = "<!-- /" + mark + " -->";
  const std::size_t begin = text.find(first), end = text.find(last);
  if (begin == std::string::npos || end == std::string::npos)
    throw Error("the file has no " + first + " ... " + last);
  return {begin + first.size(), end};
}

// 0 if the file holds the table; else 1 and the first line that differs.
int compare(const std::string& path, const std::string& committed, const std::string& table) {
  if (committed == table) return 0;
  const std::string version = deviceless::cudnn_version();
  if (committed.find("cuDNN " + version) == std::string::npos) {
    std::printf("not run: %s is of another cuDNN than %s; compare it after --write\n", path.c_str(),
                version.c_str());
    return 0;
  }
  std::size_t at = 0;
  while (at < committed.size() && at < table.size() && committed[at] == table[at]) ++at;
  const std::size_t line = at == 0 ? 0 : table.rfind('\n', at - 1) + 1;
  std::fprintf(stderr, "error: %s is out of date from this line on (--write renews it):\n%s\n", path.c_str(),
               table.substr(line, table.find('\n', line) - line).c_str());
  return 1;
}

// Prints what was asked; whether every graph has an engine.
bool report(const deviceless::Table& table) {
  for (const std::string& line : table.failures) std::fprintf(stderr, "error: %s\n", line.c_str());
  std::printf("%zu graphs asked about, %zu without an engine\n", table.asked, table.failures.size());
  return table.failures.empty();
}

int run(const std::string& what, const std::string& path, bool write) {
  if (what == "sample") return report(deviceless::engine_sample()) ? 0 : 1;
  const bool engines = what == "engines";
  const deviceless::Table table = engines ? deviceless::engine_table() : deviceless::answer_table();
  const std::string text = write && !engines ? "" : contents(path);
  const Place place = place_in(text, engines ? "engines" : "");
  const bool all_run = report(table);
  if (write) {
    std::ofstream(path, std::ios::binary)
        << text.substr(0, place.begin) + table.text + text.substr(place.end);
    return all_run ? 0 : 1;
  }
  const int different = compare(path, text.substr(place.begin, place.end - place.begin), table.text);
  return all_run ? different : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const bool write = argc == 4 && std::strcmp(argv[3], "--write") == 0;
  const std::string what = argc > 1 ? argv[1] : "";
  const bool file = (what == "engines" || what == "answers") && (argc == 3 || write);
  if (!file && !(what == "sample" && argc == 2)) {
    std::fputs("error: deviceless sample | deviceless engines|answers FILE [--write]\n", stderr);
    return 2;
  }
  // cuDNN loads and unloads it for every question about a fused graph; kept open, the questions cost a third.
  dlopen("libnvrtc.so.13", RTLD_NOW);
  try {
    return run(what, file ? argv[2] : "", write);
  } catch (const Error& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
