// Network: an ordered list of named stages and a head. Stages are the one basis of block indices and freeze
// plans.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "layers/initializer.h"
#include "layers/linear.h"
#include "layers/module.h"

namespace thaw {

// How the pictures that a network was made for are prepared, unless the user or a checkpoint says otherwise.
struct InputDefaults {
  std::vector<float> mean, std;  // per channel, of values in [0, 1]
  std::int64_t size = 224;       // side of the square input in pixels
  double crop_pct = 0.875;  // resize to size / crop_pct, then cut the centre; 1: only the centre, no border
};

struct NetworkOptions {
  std::int64_t num_classes = 1000;
  std::int64_t in_channels = 3;
  // A case is `views` pictures and `features` numbers: the rows of its pictures and the numbers are joined to
  // one row.
  std::int64_t views = 1;
  std::int64_t features = 0;
  std::int64_t input_size = 0;  // side of the pictures, where weights depend on it; 0: the network's default

  // The width of a case's row: views * width + features.
  std::int64_t joined(std::int64_t width) const { return views * width + features; }
};

// A stage and the next ones, `stages` in all, as one op. `run` may be empty; it gives an undefined Variable
// in a pass that runs the stage alone.
struct Fusion {
  std::size_t stages = 1;
  std::function<Variable(const Variable&, Mode)> run = {};
};

class Network : public Module {
 public:
  using Function = std::function<Variable(const Variable&, Mode)>;

  struct Stage {
    std::string name;
    Module* module;     // what a freeze plan freezes
    Function function;  // the stage alone
    Fusion fusion;
  };

  const std::string& name() const { return name_; }  // the registry's: "resnet18"
  const InputDefaults& input() const { return input_; }
  std::int64_t in_channels() const { return options_.in_channels; }
  std::int64_t views() const { return options_.views; }        // pictures of a case
  std::int64_t features() const { return options_.features; }  // numbers of a case
  std::int64_t num_classes() const;                            // of the head as it is now

  const std::vector<Stage>& stages() const { return stages_; }
  virtual InitialWeights initial_weights() const { return InitialWeights::kaiming_fan_out; }
  // The name that a tensor has here which older files call `name`.
  virtual std::string current_name(const std::string& name) const { return name; }
  std::size_t stage_index(const std::string& stage) const;  // throws Error with the nearest names

  // Stages [from, to). x: activations [N * views, C, H, W] (rows [N * views, C] after the pooling, [N, C]
  // after the join) that fit stage `from`. features: f32 [N, features()] on the device, undefined where there
  // are none; read where the join stands in [from, to).
  Variable run(const Variable& x, std::size_t from, std::size_t to, Mode mode, const Tensor& features = {});
  // All stages: x [N * views, in_channels, H, W], the views of a case in a row -> logits [N, num_classes].
  Variable forward(const Variable& x, const Tensor& features, Mode mode);
  Variable forward(const Variable& x, Mode mode) override { return forward(x, {}, mode); }

  Linear& head() const { return *head_; }
  const std::string& head_name() const { return head_->path(); }  // "fc", "linear", "classifier.4"

 protected:
  Network(std::string name, InputDefaults input, const NetworkOptions& options);
  void add_stage(std::string name, Module& module, Fusion fusion = {});  // module.forward is the stage
  void add_stage(std::string name, Module& module, Function function, Fusion fusion = {});
  // A stage whose module is a child of a child.
  void add_inner_stage(std::string name, Module& module, Function function, Fusion fusion = {});
  void set_head(std::string name, Linear& head);  // the last stage
  void set_inner_head(std::string name, Linear& head);
  void join_next();  // the next stage takes joined rows; without it, the head does

 private:
  static constexpr std::size_t no_stage = static_cast<std::size_t>(-1);

  std::string name_;
  InputDefaults input_;
  NetworkOptions options_;
  std::vector<Stage> stages_;
  std::size_t join_ = no_stage;  // the first stage on joined rows
  Linear* head_ = nullptr;
};

}  // namespace thaw
