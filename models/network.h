// Network: an ordered list of named stages and a head. Stages are the one basis of block indices and freeze
// plans.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

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
};

class Network : public Module {
 public:
  using Function = std::function<Variable(const Variable&, Mode)>;

  struct Stage {
    std::string name;
    Module* module;      // what a freeze plan freezes
    Function function;   // the stage alone
    Function with_next;  // this stage and the next one as one fused op; may be empty
  };

  const std::string& name() const { return name_; }  // the registry's: "resnet18"
  const InputDefaults& input() const { return input_; }
  std::int64_t in_channels() const { return in_channels_; }
  std::int64_t num_classes() const;  // of the head as it is now

  const std::vector<Stage>& stages() const { return stages_; }
  std::size_t stage_index(const std::string& stage) const;  // throws Error with the nearest names

  // Stages [from, to). x: activations [N, C, H, W] (rows [N, C] after the pooling) that fit stage `from`.
  Variable run(const Variable& x, std::size_t from, std::size_t to, Mode mode);
  // All stages: x [N, in_channels, H, W] -> logits [N, num_classes].
  Variable forward(const Variable& x, Mode mode) override;

  Linear& head() const { return *head_; }
  const std::string& head_name() const { return stages_.back().name; }  // "fc" or "linear"

 protected:
  Network(std::string name, InputDefaults input, std::int64_t in_channels);
  void add_stage(std::string name, Module& module, Function with_next = {});  // module.forward is the stage
  void add_stage(std::string name, Module& module, Function function, Function with_next);
  void set_head(std::string name, Linear& head);  // the last stage

 private:
  std::string name_;
  InputDefaults input_;
  std::int64_t in_channels_;
  std::vector<Stage> stages_;
  Linear* head_ = nullptr;
};

}  // namespace thaw
