#include "tensor/variable.h"

#include <algorithm>
#include <unordered_set>

namespace thaw {

struct Variable::State {
  Shape shape;
  Backend* backend = nullptr;
  Tensor grad;
  bool requires_grad = false;
  std::shared_ptr<Node> node;
};

Variable::Variable(Tensor value, bool requires_grad) : state_(std::make_shared<State>()) {
  state_->shape = value.shape();
  state_->backend = value.backend();
  value_ = std::move(value);
  state_->requires_grad = requires_grad;
}

const Tensor& Variable::value() const {
  check(value_.defined(), "variable: undefined, or an edge, which has no value");
  return value_;
}

const Tensor& Variable::grad() const {
  check(defined(), "variable: undefined; forward has not made it");
  return state_->grad;
}

bool Variable::requires_grad() const {
  return defined() && state_->requires_grad;
}

Backend& Variable::backend() const {
  check(defined(), "variable: undefined; forward has not made it");
  Backend* backend = state_->backend;
  if (backend == nullptr)
    throw Error("variable: tensor " + state_->shape.text() +
                " is in host memory; move it with Tensor::to(backend)");
  return *backend;
}

Variable Variable::edge() const {
  Variable result;
  if (requires_grad()) result.state_ = state_;
  return result;
}

void Variable::accumulate(Tensor gradient) const {
  check(requires_grad(), "variable: a gradient arrived that was not wanted");
  if (gradient.shape() != state_->shape)
    throw Error("variable: gradient " + gradient.shape().text() + " for a value " + state_->shape.text());
  if (!state_->grad.defined()) {
    state_->grad = std::move(gradient);
    return;
  }
  Tensor sum = Tensor::empty(backend(), gradient.shape(), gradient.dtype());
  backend()(Add{.a = state_->grad.view(), .b = gradient.view(), .y = sum.view()});
  state_->grad = std::move(sum);
}

Tensor Variable::own_gradient() const {
  check(requires_grad(), "variable: a gradient arrived that was not wanted");
  return state_->grad.defined() && state_->grad.sole() ? state_->grad : Tensor();
}

const std::shared_ptr<Node>& Variable::node() const {
  check(defined(), "variable: undefined; forward has not made it");
  return state_->node;
}

void Variable::clear_grad() const {
  state_->grad = Tensor();
}

Variable record(Tensor output, std::string op, std::string module, std::vector<Variable> inputs,
                bool parameters_want, std::function<void(const Tensor&)> backward) {
  for (Variable& input : inputs) input = input.edge();
  std::erase_if(inputs, [](const Variable& v) { return !v.defined(); });
  Variable result(std::move(output), parameters_want || !inputs.empty());
  if (result.requires_grad())
    result.state_->node = std::make_shared<Node>(
        Node{std::move(op), std::move(module), std::move(inputs), std::move(backward)});
  return result;
}

namespace {

// Variables with nodes, each after everything that it depends on (iterative depth-first postorder).
std::vector<Variable> postorder(const Variable& output) {
  std::vector<Variable> order;
  std::unordered_set<const Node*> seen;
  std::vector<std::pair<Variable, std::size_t>> stack;
  const auto push = [&](const Variable& v) {
    if (v.node() != nullptr && seen.insert(v.node().get()).second) stack.emplace_back(v, 0);
  };
  push(output);
  while (!stack.empty()) {
    auto& [variable, next] = stack.back();
    const auto& inputs = variable.node()->inputs;
    if (next == inputs.size()) {
      order.push_back(std::move(variable));
      stack.pop_back();
    } else {
      const Variable input = inputs[next++];
      push(input);
    }
  }
  return order;
}

}  // namespace

void backward(const Variable& output, Tensor gradient) {
  check(output.requires_grad(),
        "backward: nothing that this output depends on wants a gradient; thaw a module first");
  if (!gradient.defined()) {
    check(output.value().elements() == 1, "backward: an output of several elements needs a gradient");
    const float one = 1.0f;
    gradient = Tensor::empty(output.backend(), output.value().shape());
    output.backend().upload(gradient.data(), &one, sizeof one);
  }
  output.accumulate(std::move(gradient));
  std::vector<Variable> order = postorder(output);
  while (!order.empty()) {
    const Variable variable = std::move(order.back());
    order.pop_back();
    const std::shared_ptr<Node>& node = variable.node();
    // NOLINTNEXTLINE(performance-unnecessary-copy-initialization): cleared next
    const Tensor arrived = variable.grad();
    variable.clear_grad();
    if (arrived.defined()) node->backward(arrived);
    node->backward = nullptr;
    node->inputs.clear();
  }
}

std::vector<const Node*> tape(const Variable& output) {
  std::vector<const Node*> nodes;
  for (const Variable& v : postorder(output)) nodes.push_back(v.node().get());
  std::reverse(nodes.begin(), nodes.end());
  return nodes;
}

}  // namespace thaw
