#include "models/freeze/receipt.h"

#include <doctest/doctest.h>

#include "layers/batch_norm.h"
#include "models/freeze/plan.h"
#include "models/registry.h"
#include "models/weights/initialize.h"

namespace thaw {
namespace {

// Flips the lowest bit of a tensor's last byte.
void flip(const Tensor& tensor) {
  tensor.as<unsigned char>()[tensor.bytes() - 1] ^= 1;
}

TEST_CASE("the receipt counts frozen parameters and buffers and finds a flipped bit in each") {
  const auto network = make_network("resnet18", {.num_classes = 2});
  initialize(*network, 1);
  apply_freeze_plan(*network, "backbone");
  const FreezeReceipt receipt(*network);
  CHECK(receipt.tensors() == 120);
  CHECK(receipt.verify(*network) == "120 frozen tensors, 0 bits changed");

  flip(network->head().weight.value);
  CHECK(receipt.verify(*network) == "120 frozen tensors, 0 bits changed");

  const auto broken_by = [&](const std::string& name, const Tensor& value) {
    flip(value);
    CHECK_THROWS_WITH_AS(
        receipt.verify(*network),
        ("freeze receipt: frozen tensor " + name + " has changed; something wrote to it while it was frozen")
            .c_str(),
        Error);
    flip(value);
  };
  std::size_t tried = 0;
  for (const Parameter* p : network->parameters())
    if (p->frozen) broken_by(p->name, p->value), ++tried;
  for (const Buffer* b : network->buffers()) broken_by(b->name, b->value), ++tried;
  CHECK(tried == receipt.tensors());

  apply_freeze_plan(*network, "none");
  CHECK(receipt.verify(*network) == "120 frozen tensors, 0 bits changed");
}

TEST_CASE("statistics that move by intent are no part of the receipt") {
  const auto network = make_network("resnet18");
  apply_freeze_plan(*network, "backbone");
  set_batch_norm_policy(*network, BatchNormPolicy::train);
  CHECK(FreezeReceipt(*network).tensors() == 60);
}

TEST_CASE("the receipt of nothing") {
  const auto network = make_network("resnet20");
  CHECK(FreezeReceipt(*network).verify(*network) == "0 frozen tensors, 0 bits changed");
}

TEST_CASE("hash_bytes: length and every bit count") {
  const unsigned char zeros[17] = {};
  CHECK(hash_bytes(zeros, 16) != hash_bytes(zeros, 17));
  CHECK(hash_bytes(zeros, 0) != hash_bytes(zeros, 1));
  for (std::size_t bit = 0; bit < 17 * 8; ++bit) {
    unsigned char changed[17] = {};
    changed[bit / 8] = static_cast<unsigned char>(1u << (bit % 8));
    CHECK(hash_bytes(changed, 17) != hash_bytes(zeros, 17));
  }
}

}  // namespace
}  // namespace thaw
