// Progress of an epoch on stderr: a bar on a terminal; elsewhere nothing, and the caller's lines stand for
// it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace thaw {

// Seconds as people read them: "0:07", "12:30", "1:02:03".
std::string clock_text(double seconds);

// How far an epoch is.
struct ProgressState {
  std::int64_t images = 0, all_images = 0, batches = 0, all_batches = 0;  // all_batches 0: not known
  double images_per_second = 0, loss = 0, data_wait_fraction = 0;
};

// One line of at most `width` columns, as long as the figures fit: "epoch 1/3 [###---]  50%  batch 6/12  412 images/s  ...".
std::string progress_line(const std::string& label, const ProgressState& state, int width);

class Progress {
 public:
  // `images` are to come, in `batches` batches (0: not known). Draws only where stderr is a terminal.
  Progress(std::string label, std::int64_t images, std::int64_t batches = 0);
  ~Progress();  // wipes the bar
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // A batch of `images` more is done, for which the loader kept us waiting `waited` seconds. `loss` is the running
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
  std::int64_t total_ = 0, done_ = 0, batches_ = 0, batches_done_ = 0;
  double waited_ = 0;
  Clock::time_point start_, drawn_;
  bool terminal_ = false;
};

}  // namespace thaw
