// The figures of a run as an event file of TensorBoard: TFRecords of Event messages with scalars.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/report/metrics_log.h"

namespace thaw {

// The file's bytes: its version, then an event for each epoch, step = epoch, with loss/train, loss/val, accuracy/train,
// accuracy/val, lr and images_per_second; NaN is left out. Times are `begin`, seconds since 1970, plus those of the
// epochs, so that a longer run's bytes begin with those of a shorter one, and a TensorBoard that reads can go on.
std::string event_file(const std::vector<EpochMetrics>& epochs, double begin);

// The time that a file of event_file began with; `otherwise` where `bytes` do not begin with one.
double begin_of_events(std::string_view bytes, double otherwise);

// Replaces DIRECTORY/events.out.tfevents.thaw, crash-safe, and makes the directory. A new file begins as long ago as its
// epochs took. Throws Error.
void write_event_file(const std::string& directory, const std::vector<EpochMetrics>& epochs);

}  // namespace thaw
