#include "layers/module.h"

#include <algorithm>

namespace thaw {

void Module::reset_parameters(const Initializer&) {
  if (!own_parameters_.empty() || !own_buffers_.empty())
    throw Error("initialize: no rule for the parameters of module " + path_);
}

void Module::freeze(bool frozen) {
  visit([frozen](Module& m) {
    m.frozen_ = frozen;
    for (Parameter* p : m.own_parameters_) p->frozen = frozen;
  });
}

bool Module::wants_gradient(Mode mode) const {
  return std::any_of(own_parameters_.begin(), own_parameters_.end(),
                     [mode](const Parameter* p) { return mode.wants(*p); }) ||
         std::any_of(children_.begin(), children_.end(),
                     [mode](const Child& c) { return c.module->wants_gradient(mode); });
}

void Module::visit(const std::function<void(Module&)>& function) {
  function(*this);
  for (const Child& child : children_) child.module->visit(function);
}

std::vector<Parameter*> Module::parameters() {
  std::vector<Parameter*> all;
  visit([&](Module& m) { all.insert(all.end(), m.own_parameters_.begin(), m.own_parameters_.end()); });
  return all;
}

std::vector<Buffer*> Module::buffers() {
  std::vector<Buffer*> all;
  visit([&](Module& m) { all.insert(all.end(), m.own_buffers_.begin(), m.own_buffers_.end()); });
  return all;
}

StateDict Module::state_dict() {
  StateDict dict;
  visit([&](Module& m) {
    for (Parameter* p : m.own_parameters_) dict.add(p->name, p->value.to_host());
    for (Buffer* b : m.own_buffers_) dict.add(b->name, b->value.to_host());
  });
  return dict;
}

void Module::to(Backend& backend) {
  for (Buffer* b : buffers())
    if (b->value.dtype() == DType::f32) b->value = b->value.to(backend);
}

void Module::name_all(const std::string& prefix) {
  path_ = prefix;
  const std::string dot = prefix.empty() ? "" : prefix + ".";
  // The registered name is the last part of whatever name stands there, so naming twice does no harm.
  const auto last = [](const std::string& name) { return name.substr(name.rfind('.') + 1); };
  for (Parameter* p : own_parameters_) p->name = dot + last(p->name);
  for (Buffer* b : own_buffers_) b->name = dot + last(b->name);
  for (const Child& child : children_) child.module->name_all(dot + child.name);
}

void Module::add_parameter(std::string name, Parameter& parameter, Shape shape) {
  parameter.name = std::move(name);
  parameter.decays = shape.rank() > 1;
  parameter.value = Tensor::zeros_host(std::move(shape));
  own_parameters_.push_back(&parameter);
}

void Module::add_buffer(std::string name, Buffer& buffer, Tensor value) {
  buffer.name = std::move(name);
  buffer.value = std::move(value);
  own_buffers_.push_back(&buffer);
}

Module& Sequential::append(std::unique_ptr<Module> module, std::string name) {
  add_child(name.empty() ? std::to_string(modules_.size()) : std::move(name), *module);
  modules_.push_back(std::move(module));
  return *modules_.back();
}

Variable Sequential::forward(const Variable& x, Mode mode) {
  Variable y = x;
  for (const auto& module : modules_) y = module->forward(y, mode);
  return y;
}

}  // namespace thaw
