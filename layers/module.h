// Module: named children, parameters and buffers, and the freeze flag. Names are PyTorch's, so loading is a
// map lookup.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "layers/initializer.h"
#include "tensor/parameter.h"
#include "tensor/state_dict.h"
#include "tensor/variable.h"

namespace thaw {

// An argument of forward. Says how a pass runs; never changes what is frozen.
struct Mode {
  bool training = false;
  const StepState* step = nullptr;  // device memory; dropout's key. Only needed in training.

  // Whether a pass keeps what the gradient of `p` needs: in training, unless it is frozen. An input that
  // requires_grad gets its gradient in either mode.
  bool wants(const Parameter& p) const { return training && p.wants_gradient(); }

  static Mode eval() { return {}; }
  static Mode train(const StepState* step = nullptr) { return {true, step}; }
};

// automatic: frozen modules use and keep their running statistics, trainable ones use the batch.
// frozen: no BatchNorm uses the batch. train: all use the batch and move, also frozen ones, as PyTorch does.
enum class BatchNormPolicy { automatic, frozen, train };

struct Buffer {
  std::string name;           // the full path
  Tensor value;               // f32 on the model's backend, or i64 [] in host memory (num_batches_tracked)
  std::uint64_t version = 0;  // grows whenever value changes
};

class Module {
 public:
  Module() = default;
  virtual ~Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  virtual Variable forward(const Variable& x, Mode mode) = 0;

  // What a module is, for those who walk over all of them. These speak of the module alone, not of its
  // children.
  //
  // Gives the module's parameters and buffers their first values (PyTorch's reset_parameters). Throws Error
  // if it has some and no rule for them.
  virtual void reset_parameters(const Initializer& with);
  // Whether a pass in `mode` changes the module's buffers.
  virtual bool moves_buffers(Mode) const { return false; }
  // Whether two passes in `mode` over the same x may differ.
  virtual bool is_random(Mode) const { return false; }
  // Of a BatchNorm; others have none and stay automatic.
  virtual BatchNormPolicy batch_norm_policy() const { return BatchNormPolicy::automatic; }
  virtual void set_batch_norm_policy(BatchNormPolicy) {}

  const std::string& path() const { return path_; }  // "layer1.0.conv1"; empty for the root
  bool frozen() const { return frozen_; }
  // Sets the flag on this module and all below it. Plan the arenas anew afterwards.
  void freeze(bool frozen = true);
  // Whether `mode` wants the gradient of a parameter of this module or of one below it.
  bool wants_gradient(Mode mode) const;

  struct Child {
    std::string name;
    Module* module;
  };
  const std::vector<Child>& children() const { return children_; }
  // This module and all below it, in the order of PyTorch's named_modules.
  void visit(const std::function<void(Module&)>& function);
  // Own ones first, then the children's, as PyTorch's state_dict orders them.
  std::vector<Parameter*> parameters();
  std::vector<Buffer*> buffers();
  const std::vector<Parameter*>& own_parameters() const { return own_parameters_; }
  const std::vector<Buffer*>& own_buffers() const { return own_buffers_; }
  // Names in the state dict are in PyTorch's order; values are host copies.
  StateDict state_dict();
  // Moves buffers to `backend`. Parameters move when their arenas are planned.
  void to(Backend& backend);
  // Gives all below this module their paths; the root of a model calls it once, after construction.
  void name_all(const std::string& prefix = "");

 protected:
  // The member must outlive the module: register members only.
  void add_child(std::string name, Module& child) { children_.push_back({std::move(name), &child}); }
  void add_parameter(std::string name, Parameter& parameter, Shape shape);
  void add_buffer(std::string name, Buffer& buffer, Tensor value);

 private:
  std::string path_;
  bool frozen_ = false;
  std::vector<Child> children_;
  std::vector<Parameter*> own_parameters_;
  std::vector<Buffer*> own_buffers_;
};

// Children run one after another; their names are "0", "1", ... unless given.
class Sequential : public Module {
 public:
  Sequential() = default;
  Module& append(std::unique_ptr<Module> module, std::string name = "");
  std::size_t size() const { return modules_.size(); }
  Module& operator[](std::size_t i) { return *modules_.at(i); }
  Variable forward(const Variable& x, Mode mode) override;

 private:
  std::vector<std::unique_ptr<Module>> modules_;
};

}  // namespace thaw
