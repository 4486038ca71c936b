// Variable: a tensor, its gradient, and the node that made it. The tape records only what leads to a wanted
// gradient.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace thaw {

struct Node;

class Variable {
 public:
  Variable() = default;
  explicit Variable(Tensor value, bool requires_grad = false);

  bool defined() const { return state_ != nullptr; }
  const Tensor& value() const;
  const Tensor& grad() const;  // undefined until backward reached it
  bool requires_grad() const;  // whether a gradient with respect to it is wanted
  Backend& backend() const;    // throws if the value is in host memory

  // The same variable without its value, undefined if no gradient is wanted: what backward functions capture,
  // so that a value lives only as long as something needs it.
  Variable edge() const;

  // ADDS `gradient` to this variable's; the first one is kept without a copy, so the caller must not write it
  // again.
  void accumulate(Tensor gradient) const;
  // The gradient so far, for an op that ADDS to it where it lies; undefined where there is none, or where
  // another holds the same memory. What is added that way is not accumulated again.
  Tensor own_gradient() const;

  // The node that made this variable; null for leaves and where no gradient is wanted.
  const std::shared_ptr<Node>& node() const;
  // Lets go of the gradient (used by the tape walk once a node has consumed it).
  void clear_grad() const;

 private:
  friend Variable record(Tensor, std::string, std::string, std::vector<Variable>, bool,
                         std::function<void(const Tensor&)>);
  struct State;
  Tensor value_;
  std::shared_ptr<State> state_;
};

// One recorded op: its name, the path of its module, the inputs that want gradients, and the function that,
// given the output's gradient, accumulates into the inputs and into the parameters' gradients.
struct Node {
  std::string op;
  std::string module;
  std::vector<Variable> inputs;
  std::function<void(const Tensor&)> backward;
};

// Makes an op's output. A node is recorded only if an input or a parameter (`parameters_want`) wants a
// gradient; else `backward` is dropped with all it saved. Callers test wants_gradient first to save nothing
// needlessly.
Variable record(Tensor output, std::string op, std::string module, std::vector<Variable> inputs,
                bool parameters_want, std::function<void(const Tensor&)> backward);

// Walks the tape from `output` (gradient: ones if `gradient` is undefined and output has one element), each
// node once and after all nodes that use its output. Nodes, saved tensors and inner gradients are released on
// the way; leaves keep theirs. Throws Error if output wants no gradient.
void backward(const Variable& output, Tensor gradient = {});

// The nodes in the order in which backward would visit them: for teaching and tests.
std::vector<const Node*> tape(const Variable& output);

}  // namespace thaw
