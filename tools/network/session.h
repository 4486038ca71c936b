// A network ready to run: on its device, with its weights, knowing its classes and how pictures become its
// input. One thread at a time may use it; give each thread its own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/network.h"
#include "tools/network/model_description.h"
#include "tools/network/model_options.h"

namespace thaw {

struct Session {
  std::unique_ptr<Backend> backend;
  DType activations = DType::f32;
  ModelDescription description;
  std::unique_ptr<Network> network;
  ParameterArenas arenas;          // empty until plan()
  std::vector<std::string> notes;  // of the weights' reader and the loading verdict, one line each

  // Moves the network to the device as its freeze flags stand.
  void plan();
};

// The device and precision of `options`. Throws UsageError as check_backend_options, Error when the device
// cannot be had or lacks the precision.
void open_device(const ModelOptions& options, Session& session);

// "device: ..." for people; where `auto` did not find a GPU it says why.
std::string device_line(const ModelOptions& options, const Backend& backend);

// The network of a file of weights, ready to run: open_for_evaluation with these weights.
Session load_model(const std::string& weights, ModelOptions options = {});

// Writes the network with its description, as load_model reads it; crash-safe. Throws Error.
// `run`: RunCard::json of the training, or nothing.
void save_model(const Session& session, const std::string& path, const std::string& run = "");

// Gives the network a new head for these classes, two or more, initialised; the rest stays. Plan the session afterwards.
// Throws Error.
void replace_head(Session& session, const std::vector<std::string>& classes, std::uint64_t seed = 42);

// A network for evaluation with the weights of options.weights, all of it frozen and on its device. A file
// that Thaw did not write needs options.model. Throws UsageError or Error.
Session open_for_evaluation(const ModelOptions& options);

}  // namespace thaw
