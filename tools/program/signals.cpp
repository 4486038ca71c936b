#include "tools/program/signals.h"

#include <csignal>

namespace thaw {
namespace {

// A signal handler can only reach static storage.
volatile std::sig_atomic_t stop_signal = 0;

void on_signal(int signal) {
  if (stop_signal != 0) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  stop_signal = signal;
}

void install(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

StopSignals::StopSignals() {
  stop_signal = 0;
  install(on_signal);
}

StopSignals::~StopSignals() {
  install(SIG_DFL);
}

int StopSignals::received() const {
  return stop_signal;
}

}  // namespace thaw
