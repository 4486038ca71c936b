#include "models/weights/head.h"

#include "models/weights/initialize.h"

namespace thaw {

namespace {

void reshape(Parameter& p, Shape shape) {
  p.value = Tensor::zeros_host(std::move(shape));
  p.grad = Tensor();
  p.low_precision = Tensor();
  p.has_grad = false;
  ++p.version;
}

}  // namespace

void replace_head(Network& network, std::int64_t num_classes, std::uint64_t seed) {
  if (num_classes < 1)
    throw Error("replace_head: needs at least 1 class, got " + std::to_string(num_classes));
  Linear& head = network.head();
  reshape(head.weight, {num_classes, head.in()});
  if (head.has_bias()) reshape(head.bias, {num_classes});
  initialize(head, seed);
}

}  // namespace thaw
