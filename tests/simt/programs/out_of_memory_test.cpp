// What users are told when the device's memory is too small for a batch: programs' code on a device whose
// memory the test sets.
#include <doctest/doctest.h>

#include <regex>

#include "models/registry.h"
#include "models/weights/initialize.h"
#include "tests/simt/simt.h"
#include "tools/cost/picture_memory.h"
#include "tools/evaluate/evaluate_model.h"
#include "tools/train/step.h"

namespace thaw {
namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20;

// The emulated device with so much room for batches; its memory is whole again afterwards.
class Room {
 public:
  explicit Room(std::size_t bytes) { simt::set_free_memory(bytes); }
  ~Room() { simt::set_free_memory(std::size_t{4} << 30); }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
};

Session session_on_cuda() {
  Session session;
  session.backend = make_cuda_backend();
  session.description.model = "resnet20";
  session.description.options.num_classes = 4;
  session.network = make_network("resnet20", session.description.options);
  session.description.preprocess = default_preprocess(*session.network);
  session.description.preprocess.input_size = 16;
  initialize(*session.network, 1);
  session.plan();
  return session;
}

Batch blank(std::int64_t n) {
  Batch batch;
  batch.images = Tensor::empty_host({n, 3, 16, 16}, DType::u8);
  std::fill_n(batch.images.as<std::uint8_t>(), batch.images.elements(), std::uint8_t{100});
  batch.labels.assign(static_cast<std::size_t>(n), 1);
  batch.flips.assign(static_cast<std::size_t>(n), 0);
  return batch;
}

// The message of the error that a training step of `n` pictures throws; "" if there is none.
std::string failure(std::int64_t n, std::size_t room) {
  Session session = session_on_cuda();
  const auto optimizer = make_optimizer("sgd", {.momentum = 0.9f});
  optimizer->plan(session.arenas);
  TrainingStep step(session, *optimizer, {.label_smoothing = 0.0f, .class_weights = {}, .record = true});
  const Room limited(room);
  try {
    for (std::uint64_t i = 0; i < 2; ++i) step.run(blank(n), {.step = i, .lr = 0.01f});
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::int64_t advised(const std::string& message) {
  std::smatch match;
  CAPTURE(message);
  REQUIRE(std::regex_search(message, match, std::regex("so --batch-size ([0-9]+) would fit")));
  return std::stoll(match[1]);
}

TEST_CASE("a training step without memory names a batch size that fits") {
  const std::size_t room = 6 * mebibyte;
  const std::string message = failure(24, room);
  CHECK(message.find("cuda: out of memory: asked for ") == 0);
  CHECK(message.find(", in a batch of 24; each case takes about ") != std::string::npos);
  const std::int64_t fit = advised(message);
  CAPTURE(message);
  CHECK(fit >= 2);
  CHECK(fit < 24);
  CHECK(failure(fit, room) == "");
  // A third more does not fit: the estimate leaves little unused.
  CHECK(failure(fit + fit / 3 + 1, room) != "");
}

TEST_CASE("a training step without memory for two pictures says so") {
  const std::string message = failure(4, 300 << 10);
  CAPTURE(message);
  CHECK(message.find("not even the smallest batch fits: use a smaller --input-size") != std::string::npos);
}

TEST_CASE("an allocation that the device refuses once more is an error that the program survives") {
  Session session = session_on_cuda();
  const auto optimizer = make_optimizer("sgd", {.momentum = 0.9f});
  optimizer->plan(session.arenas);
  TrainingStep step(session, *optimizer, {.label_smoothing = 0.0f, .class_weights = {}, .record = true});
  // The pool asks again after giving back what it keeps: a single refusal is mended.
  simt::fail_allocation_after(20, 1);
  CHECK_NOTHROW(step.run(blank(3), {}));
  simt::fail_allocation_after(20, 2);
  CHECK(advised([&] {
          try {
            step.run(blank(4), {});
          } catch (const Error& error) {
            return std::string(error.what());
          }
          return std::string();
        }()) == 3);
  simt::fail_allocation_after(-1);
  CHECK_NOTHROW(step.run(blank(4), {}));
  CHECK(simt::take_fault() == "");
}

}  // namespace
}  // namespace thaw
