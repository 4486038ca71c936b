// Event files of TensorBoard. They were read once with the real one (tensorboard 2.21 from PyPI):
//   python3 -c "from tensorboard.backend.event_processing.event_accumulator import EventAccumulator as E; import sys
//   e = E(sys.argv[1]); e.Reload(); print({t: e.Scalars(t) for t in e.Tags()['scalars']})" OUTPUT/tensorboard
#include "tools/report/event_file.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "tests/tools/programs.h"
#include "tools/report/crc32c.h"

namespace thaw::testing {
namespace {

std::string hex(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

template <class Value>
Value read(const std::string& bytes, std::size_t at) {
  Value value;
  REQUIRE(at + sizeof value <= bytes.size());
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// The data of each record, after checking both checksums.
std::vector<std::string> records(const std::string& file) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at < file.size();) {
    const auto length = read<std::uint64_t>(file, at);
    CHECK(read<std::uint32_t>(file, at + 8) == masked_crc32c(file.substr(at, 8)));
    all.push_back(file.substr(at + 12, length));
    CHECK(read<std::uint32_t>(file, at + 12 + length) == masked_crc32c(all.back()));
    at += 16 + length;
  }
  return all;
}

EpochMetrics epoch(int number) {
  EpochMetrics m;
  m.epoch = number;
  m.train_loss = 0.5, m.val_loss = 0.25, m.train_accuracy = 0.75, m.val_accuracy = 0.875;
  m.lr = 0.01, m.images_per_second = 412.5, m.seconds = 2.5;
  return m;
}

TEST_CASE("crc32c: the check value, and 32 zero bytes as RFC 3720 has them") {
  CHECK(crc32c("123456789") == 0xE3069283u);
  CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AAu);
  CHECK(crc32c("") == 0);
  CHECK(masked_crc32c("123456789") == (0xE3069283u >> 15 | 0xE3069283u << 17) + 0xa282ead8u);
}

TEST_CASE("event_file: an epoch's bytes are those that TensorBoard's own writer gives") {
  const std::string file = event_file({epoch(300)}, 1700000000.0);
  const std::string first = event_file({}, 1700000000.0);
  REQUIRE(file.starts_with(first));
  // tensorboard 2.21: RecordWriter of Event(wall_time=1700000002.5, step=300, summary=Summary(value=[...])).
  CHECK(hex(file.substr(first.size())) ==
        "8300000000000000b3b191e9090000a040fc54d94110ac022a750a110a0a6c6f73732f747261696e150000003f0a0f0a"
        "086c6f73732f76616c150000803e0a150a0e61636375726163792f747261696e150000403f0a130a0c61636375726163"
        "792f76616c150000603f0a090a026c72150ad7233c0a180a11696d616765735f7065725f7365636f6e64150040ce4372"
        "2887a3");
  REQUIRE(records(file).size() == 2);
  CHECK(records(file)[0].ends_with("brain.Event:2"));
  CHECK(begin_of_events(file, 7) == 1700000000.0);
  CHECK(begin_of_events("", 7) == 7);
  CHECK(begin_of_events(std::string(100, 'x'), 7) == 7);
}

TEST_CASE(
    "event_file: what an epoch does not have is left out; a longer run's file begins with the shorter "
    "one's") {
  std::vector<EpochMetrics> epochs{epoch(1), epoch(2)};
  epochs[1].val_loss = epochs[1].val_accuracy = std::nan("");
  const std::string file = event_file(epochs, 3);
  CHECK(file.starts_with(event_file({epochs[0]}, 3)));
  CHECK(records(file)[2].find("/val") == std::string::npos);
  CHECK(records(file)[2].find("loss/train") != std::string::npos);
  const TempFolder folder;
  write_event_file(folder.file("log"), {epochs[0]});
  const std::string before = read_file(folder.file("log") + "/events.out.tfevents.thaw");
  write_event_file(folder.file("log"), epochs);
  CHECK(read_file(folder.file("log") + "/events.out.tfevents.thaw").starts_with(before));
}

TEST_CASE(
    "train --tensorboard: the event file and metrics.csv are whole after a resume, whatever was there") {
  const TempFolder folder;
  make_pictures(folder.file("data"), 4, 2);
  const std::string out = folder.file("out"), events = out + "/tensorboard/events.out.tfevents.thaw";
  REQUIRE(run("train", with(quick_training(folder.file("data"), out), {"--stop-after", "1"})).code == 0);
  CHECK_FALSE(fs::exists(out + "/tensorboard"));
  write_file(out + "/metrics.csv", "garbage");
  REQUIRE(run("train", {"--resume", "--tensorboard", "--stop-after", "3", "--output", out}).code == 0);
  const std::string before = read_file(events);
  CHECK(records(before).size() == 4);
  REQUIRE(run("train", {"--resume", "--stop-after", "4", "--output", out}).code == 0);
  CHECK(records(read_file(events)).size() == 5);
  CHECK(read_file(events).starts_with(before));
  std::istringstream csv(read_file(out + "/metrics.csv"));
  std::string line;
  std::getline(csv, line);
  CHECK(line ==
        "epoch,train_loss,train_accuracy,val_loss,val_accuracy,lr,images_per_second,seconds,data_wait_"
        "fraction");
  for (const EpochMetrics& m : read_metrics(out + "/metrics.jsonl")) {
    REQUIRE(std::getline(csv, line));
    CHECK(line.starts_with(std::to_string(m.epoch) + ","));
    const std::size_t lr = [&line] {
      std::size_t at = 0;
      for (int comma = 0; comma < 5; ++comma) at = line.find(',', at) + 1;
      return at;
    }();
    CHECK(std::stod(line.substr(lr)) == m.lr);
  }
  CHECK_FALSE(std::getline(csv, line));
}

}  // namespace
}  // namespace thaw::testing
