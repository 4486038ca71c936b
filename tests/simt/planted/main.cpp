// `planted_faults` runs every planted fault that this build can notice, each in a process of its own, and
// fails if one goes unnoticed or its report does not say where. `planted_faults NAME` runs one and prints its
// report; `planted_faults --table` prints them all as a table.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/simt/planted/fault.h"
#include "tests/simt/sanitizers.h"

namespace thaw::planted {
namespace {

#if defined(SIMT_ASAN)
constexpr Build this_build = asan;
#elif defined(__SANITIZE_THREAD__)
constexpr Build this_build = tsan;
#else
constexpr Build this_build = plain;
#endif

void right(float* y) {
  y[threadIdx.x] = 1.0f;
}

std::vector<Fault> all_faults() {
  std::vector<Fault> faults;
  for (const auto part : {threads_that_meet, memory_accesses, launches, streams_and_capture})
    for (const Fault& fault : part()) faults.push_back(fault);
  return faults;
}

// Exit code 1 if something was noticed. The emulator's threads still stand where the fault left them, so no
// destructor runs.
[[noreturn]] void run_one(void (*body)()) {
  std::string report;
  try {
    body();
  } catch (const Error& error) {
    report = error.what();
  }
  report += ::simt::take_fault();
  std::fprintf(stderr, "%s\n", report.c_str());
  std::fflush(nullptr);
  std::_Exit(report.empty() ? 0 : 1);
}

struct Outcome {
  int status = 0;
  std::string report;
};

Outcome run_apart(const char* program, const char* name) {
  Outcome outcome;
  std::FILE* pipe = popen((std::string("'") + program + "' " + name + " 2>&1").c_str(), "r");
  if (!pipe) throw Error(std::string("planted_faults: cannot run ") + program);
  for (char buffer[512]; std::fgets(buffer, sizeof buffer, pipe);) outcome.report += buffer;
  outcome.status = pclose(pipe);
  return outcome;
}

const char* expected_report(const Fault& fault) {
  if (this_build == asan && fault.asan_report) return fault.asan_report;
  if (this_build == tsan && fault.tsan_report) return fault.tsan_report;
  return fault.report;
}

// What the outcome lacks, or null.
const char* lack(const Fault& fault, const Outcome& outcome) {
  const auto says = [&](const std::string& text) { return outcome.report.find(text) != std::string::npos; };
  if (outcome.status == 0) return "not noticed";
  if (!says(expected_report(fault))) return "another report than expected";
  if (fault.where == Where::host) return nullptr;
  if (!says(std::string("kernel ") + fault.name + ", block (") || !says("), thread ("))
    return "no kernel, block, thread";
  if (fault.where == Where::line && !says(".cpp:")) return "no line";
  return nullptr;
}

int run_all(const char* program) {
  int caught = 0, missed = 0, other_builds = 0;
  for (const Fault& fault : all_faults()) {
    if ((fault.builds & this_build) == 0) {
      ++other_builds;
      continue;
    }
    const Outcome outcome = run_apart(program, fault.name);
    const char* const problem = lack(fault, outcome);
    ++(problem ? missed : caught);
    if (problem) std::printf("MISSED %s: %s\n%s\n", fault.name, problem, outcome.report.c_str());
  }
  const Outcome sound = run_apart(program, "sound");
  if (sound.status != 0) std::printf("FALSE ALARM: %s\n", sound.report.c_str());
  std::printf("%d planted faults caught, %d missed; %d are for other builds\n", caught, missed, other_builds);
  return missed == 0 && sound.status == 0 && caught > 0 ? 0 : 1;
}

void print_table() {
  for (const Fault& f : all_faults())
    std::printf("| `%s` | %s | %s%s%s | %s%s |\n", f.name, f.what, (f.builds & plain) != 0 ? "plain " : "",
                (f.builds & asan) != 0 ? "ASan " : "", (f.builds & tsan) != 0 ? "TSan" : "", f.report,
                f.where == Where::line     ? "; thread and line"
                : f.where == Where::thread ? "; thread"
                                           : "");
}

}  // namespace
}  // namespace thaw::planted

int main(int count, char** arguments) {
  using namespace thaw::planted;
  if (count == 1) {
    setenv("TSAN_OPTIONS", "halt_on_error=1", 1);
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    return run_all(arguments[0]);
  }
  const std::string name = arguments[1];
  if (name == "--table") return print_table(), 0;
  if (name == "sound") run_one([] { fill("sound", right); });
  for (const Fault& fault : all_faults())
    if (name == fault.name) run_one(fault.run);
  std::fprintf(stderr, "error: no planted fault is called '%s'\n", name.c_str());
  return 2;
}
