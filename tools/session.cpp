#include "tools/session.h"

#include "models/input_channels.h"
#include "models/load_weights.h"
#include "models/registry.h"
#include "models/scratch_cnn.h"
#include "tools/program.h"

namespace thaw {

void Session::plan() {
  network->to(*backend);
  arenas = ParameterArenas(*backend, network->parameters(), activations);
}

void open_device(const ModelOptions& options, Session& session) {
  check_backend_options(options.backend, options.device, options.precision);
  session.backend = make_backend(options.device, options.backend);
  session.activations = options.precision == "bf16" ? DType::bf16 : DType::f32;
  if (!session.backend->supports(session.activations))
    throw Error("--precision " + options.precision + ": not on this device (" +
                session.backend->description() + "); use --precision f32");
}

std::string device_line(const ModelOptions& options, const Backend& backend) {
  std::string line = "device: " + backend.description(), reason;
  if (options.device == "auto" && !cuda_available(&reason)) line += " (auto: " + reason + ")";
  return line;
}

ModelDescription description_in(const StateDict& weights, const ModelOptions& options) {
  NetworkOptions found{
      .num_classes = default_num_classes(options.model),
      .in_channels = options.in_channels == 0 ? default_in_channels(options.model) : options.in_channels,
      .input_size = options.input_size};
  const Tensor* joined = weights.find("classifier.0.weight");
  if (options.model == "scratch_cnn" && joined != nullptr && joined->shape().rank() == 2)
    found = ScratchCnn::with_joined_width(found, joined->shape()[1]);
  ModelDescription description;
  description.model = options.model;
  description.options = found;
  for (std::int64_t i = 1; i <= found.features; ++i)
    description.features.push_back({"feature" + std::to_string(i)});
  return description;
}

std::int64_t outputs_in(const StateDict& weights, const Network& network) {
  const Tensor* head = weights.find(network.head_name() + ".weight");
  return head != nullptr && head->shape().rank() == 2 ? head->shape()[0] : 0;
}

Session open_for_evaluation(const ModelOptions& options) {
  if (options.weights.empty()) throw UsageError("--weights FILE is required; see --help");
  if (!options.model.empty()) check_model_name(options.model);
  Session s;
  open_device(options, s);
  LoadedWeights file = read_weights(options.weights);
  s.notes = std::move(file.notes);
  if (!file.metadata.empty()) {
    s.description = ModelDescription::parse(file.metadata, options.weights);
    if (!options.model.empty() && options.model != s.description.model)
      throw UsageError("--model " + options.model + ": " + options.weights + " holds a " +
                       s.description.model);
    if (options.in_channels != 0 && options.in_channels != s.description.options.in_channels)
      throw UsageError("--in-chans: " + options.weights + " takes pictures of " +
                       std::to_string(s.description.options.in_channels) + " channels");
    s.network = make_network(s.description.model, s.description.options);
  } else {
    if (options.model.empty())
      throw UsageError("--model NAME is required: " + options.weights +
                       " was not written by Thaw and does not name its network");
    s.description = description_in(file.tensors, options);
    s.network = make_network(options.model, s.description.options);
    const std::int64_t outputs = outputs_in(file.tensors, *s.network);
    if (outputs > 0 && outputs != s.description.options.num_classes) {
      s.description.options.num_classes = outputs;
      s.network = make_network(options.model, s.description.options);
    }
    s.description.preprocess = default_preprocess(*s.network);
  }
  override_preprocess(options, *s.network, s.description.preprocess);
  const std::string adapted = adapt_input_channels(*s.network, file.tensors);
  if (!adapted.empty()) s.notes.push_back(adapted);
  LoadOptions load;
  load.source = options.weights;
  s.notes.push_back(load_weights(*s.network, file.tensors, load).text());
  s.network->freeze();
  s.plan();
  return s;
}

}  // namespace thaw
