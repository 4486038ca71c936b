#include "tools/report/event_file.h"

#include <bit>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "io/file/atomic.h"
#include "io/file/bytes.h"
#include "io/file/text.h"
#include "tools/report/crc32c.h"

namespace thaw {

namespace {

template <class Value>
std::string little_endian(Value value) {
  static_assert(std::endian::native == std::endian::little);
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

// Protocol buffers: a field is its number and kind, then its value.
enum class Kind : std::uint64_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

std::string key(std::uint64_t field, Kind kind) {
  return varint(field << 3 | static_cast<std::uint64_t>(kind));
}

std::string bytes_field(std::uint64_t field, const std::string& bytes) {
  return key(field, Kind::bytes) + varint(bytes.size()) + bytes;
}

// tensorflow/core/util/event.proto: wall_time = 1, step = 2, file_version = 3, summary = 5.
std::string event(double time) {
  return key(1, Kind::fixed64) + little_endian(time);
}

// tensorflow/core/framework/summary.proto: value = 1; of it tag = 1, simple_value = 2.
std::string scalar(const std::string& tag, double value) {
  if (std::isnan(value)) return "";
  return bytes_field(1,
                     bytes_field(1, tag) + key(2, Kind::fixed32) + little_endian(static_cast<float>(value)));
}

// tensorflow/core/lib/io/record_writer.h: length, its checksum, data, its checksum.
std::string record(const std::string& data) {
  const std::string length = little_endian(std::uint64_t{data.size()});
  return length + little_endian(masked_crc32c(length)) + data + little_endian(masked_crc32c(data));
}

}  // namespace

std::string event_file(const std::vector<EpochMetrics>& epochs, double begin) {
  std::string file = record(event(begin) + bytes_field(3, "brain.Event:2"));
  double time = begin;
  for (const EpochMetrics& epoch : epochs) {
    const EpochMetrics m = metrics_of(metrics_json(epoch));  // as a resumed run has them
    time += m.seconds;
    file += record(event(time) + key(2, Kind::varint) + varint(static_cast<std::uint64_t>(m.epoch)) +
                   bytes_field(5, scalar("loss/train", m.train_loss) + scalar("loss/val", m.val_loss) +
                                      scalar("accuracy/train", m.train_accuracy) +
                                      scalar("accuracy/val", m.val_accuracy) + scalar("lr", m.lr) +
                                      scalar("images_per_second", m.images_per_second)));
  }
  return file;
}

double begin_of_events(std::string_view bytes, double otherwise) {
  // Behind the record's length and its checksum, and the key of wall_time.
  constexpr std::size_t at = 8 + 4 + 1;
  double begin = 0;
  if (bytes.size() < at + sizeof begin) return otherwise;
  std::memcpy(&begin, bytes.data() + at, sizeof begin);
  const bool ours = std::isfinite(begin) && bytes.starts_with(event_file({}, begin));
  return ours ? begin : otherwise;
}

void write_event_file(const std::string& directory, const std::vector<EpochMetrics>& epochs) {
  std::error_code failed;
  std::filesystem::create_directories(directory, failed);
  const std::string file = directory + "/events.out.tfevents.thaw";
  double begin = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  for (const EpochMetrics& m : epochs) begin -= m.seconds;
  constexpr std::uint64_t most = std::uint64_t{1} << 30;
  if (std::filesystem::is_regular_file(file, failed))
    begin = begin_of_events(as_text(FileBytes(file, most).bytes()), begin);
  write_file_atomically(file, event_file(epochs, begin));
}

}  // namespace thaw
