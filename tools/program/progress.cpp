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

std::string progress_line(const std::string& label, const ProgressState& s, int width) {
  const double share =
      s.all_images > 0 ? static_cast<double>(s.images) / static_cast<double>(s.all_images) : 1.0;
  const double left =
      s.images_per_second > 0 ? static_cast<double>(s.all_images - s.images) / s.images_per_second : 0.0;
  std::string text = fmt::format(" {:3.0f}%", 100 * share);
  if (s.all_batches > 0) text += fmt::format("  batch {}/{}", s.batches, s.all_batches);
  text += fmt::format("  {:.0f} images/s  loss {:.4f}", s.images_per_second, s.loss);
  const std::string eta = fmt::format("  ETA {}", clock_text(left)),
                    wait = fmt::format("  data wait {:.0f}%", 100 * s.data_wait_fraction);
  const auto room = [&] { return width - static_cast<int>(label.size() + text.size()) - 4; };
  text += eta;
  if (room() >= static_cast<int>(wait.size())) text += wait;
  std::string bar;
  if (room() >= 10) {
    const int length = std::min(room(), 40), full = std::clamp(static_cast<int>(share * length), 0, length);
    bar = fmt::format(" [{:-<{}}]", std::string(static_cast<std::size_t>(full), '#'), length);
  }
  return label + bar + text;
}

Progress::Progress(std::string label, std::int64_t images, std::int64_t batches)
    : label_(std::move(label)),
      total_(images),
      batches_(batches),
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
  ++batches_done_;
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
  say("\r\x1b[K{}", progress_line(label_,
                                  {.images = done_,
                                   .all_images = total_,
                                   .batches = batches_done_,
                                   .all_batches = batches_,
                                   .images_per_second = images_per_second(),
                                   .loss = loss,
                                   .data_wait_fraction = data_wait_fraction()},
                                  terminal_width()));
  std::fflush(stderr);
}

}  // namespace thaw
