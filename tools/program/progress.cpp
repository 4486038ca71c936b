#include "tools/program/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "tools/program/messages.h"

namespace thaw {
namespace {

int terminal_width() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

}  // namespace

std::string clock_text(double seconds) {
  const auto s = static_cast<long>(std::max(0.0, seconds) + 0.5);
  if (s >= 3600) return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
  return fmt::format("{}:{:02}", s / 60, s % 60);
}

Progress::Progress(std::string label, std::int64_t total)
    : label_(std::move(label)),
      total_(total),
      start_(Clock::now()),
      drawn_(start_),
      terminal_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (terminal_ && done_ > 0) {
    std::fputs("\r\x1b[K", stderr);
    std::fflush(stderr);
  }
}

void Progress::advance(std::int64_t images, double waited, double loss) {
  done_ += images;
  waited_ += waited;
  if (!terminal_) return;
  const auto now = Clock::now();
  if (done_ < total_ && now - drawn_ < std::chrono::milliseconds(100)) return;
  drawn_ = now;
  draw(loss);
}

double Progress::seconds() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

double Progress::images_per_second() const {
  const double s = seconds();
  return s > 0 ? static_cast<double>(done_) / s : 0.0;
}

double Progress::data_wait_fraction() const {
  const double s = seconds();
  return s > 0 ? std::clamp(waited_ / s, 0.0, 1.0) : 0.0;
}

void Progress::draw(double loss) {
  const double share = total_ > 0 ? static_cast<double>(done_) / static_cast<double>(total_) : 1.0;
  const double rate = images_per_second();
  const double left = rate > 0 ? static_cast<double>(total_ - done_) / rate : 0.0;
  const std::string text = fmt::format(" {:3.0f}%  {:.0f} images/s  loss {:.4f}  data wait {:.0f}%  ETA {}",
                                       100 * share, rate, loss, 100 * data_wait_fraction(), clock_text(left));
  const int room = terminal_width() - static_cast<int>(label_.size() + text.size()) - 4;
  std::string bar;
  if (room >= 10) {
    const int width = std::min(room, 40);
    const int full = std::clamp(static_cast<int>(share * width), 0, width);
    bar = fmt::format(" [{:-<{}}]", std::string(static_cast<std::size_t>(full), '#'), width);
  }
  say("\r\x1b[K{}{}{}", label_, bar, text);
  std::fflush(stderr);
}

}  // namespace thaw
