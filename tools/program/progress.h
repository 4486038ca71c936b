// Progress of an epoch on stderr: a bar on a terminal; elsewhere nothing, and the caller's lines stand for
// it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace thaw {

// Seconds as people read them: "0:07", "12:30", "1:02:03".
std::string clock_text(double seconds);

class Progress {
 public:
  // `total` images are to come. Draws only where stderr is a terminal.
  Progress(std::string label, std::int64_t total);
  ~Progress();  // wipes the bar
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `images` more are done, for which the loader kept us waiting `waited` seconds. `loss` is the running
  // mean.
  void advance(std::int64_t images, double waited, double loss);

  double seconds() const;            // since construction
  double images_per_second() const;  // 0 before the first image
  // Share of the time that the program waited for the loader, [0, 1]; a GPU may have been at work meanwhile.
  double data_wait_fraction() const;

 private:
  using Clock = std::chrono::steady_clock;
  void draw(double loss);

  std::string label_;
  std::int64_t total_ = 0, done_ = 0;
  double waited_ = 0;
  Clock::time_point start_, drawn_;
  bool terminal_ = false;
};

}  // namespace thaw
