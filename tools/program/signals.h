// Signals that ask a program to stop: the work under way is finished, saved, and then the program ends.
#pragma once

#include <csignal>

namespace thaw {

// From construction on, the first SIGINT or SIGTERM only sets a mark; a second one ends the process at once.
// Destruction restores the former handlers. At most one lives at a time.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // 0: none yet; else SIGINT or SIGTERM.
  int received() const;
  // 130 for SIGINT, 143 for SIGTERM: 128 + the signal, as shells report it.
  int exit_code() const { return 128 + received(); }

 private:
  // The former ones.
  struct sigaction interrupt_ = {};
  struct sigaction terminate_ = {};
};

}  // namespace thaw
