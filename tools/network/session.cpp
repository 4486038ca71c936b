#include "tools/network/session.h"

#include "io/weights/checkpoint.h"
#include "io/weights/weights.h"
#include "models/registry.h"
#include "models/weights/head.h"
#include "models/weights/load.h"
#include "tools/network/open_network.h"
#include "tools/program/frame.h"

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

Session load_model(const std::string& weights, ModelOptions options) {
  options.weights = weights;
  return open_for_evaluation(options);
}

void save_model(const Session& session, const std::string& path, const std::string& run) {
  ModelDescription description = session.description;
  description.run = run;
  write_checkpoint(path, session.network->state_dict(), description.json());
}

void replace_head(Session& session, const std::vector<std::string>& classes, std::uint64_t seed) {
  if (classes.size() < 2)
    throw Error("replace_head: " + std::to_string(classes.size()) + " classes; give two or more");
  ModelDescription d = session.description;
  d.classes = classes;
  d.options.num_classes = static_cast<std::int64_t>(classes.size());
  replace_head(*session.network, make_network(d.model, d.options)->num_classes(), seed);
  session.description = std::move(d);
}

Session open_for_evaluation(const ModelOptions& options) {
  if (options.weights.empty()) throw UsageError("--weights FILE is required; see --help");
  if (!options.model.empty()) check_model_name(options.model);
  Session s;
  open_device(options, s);
  NetworkFile file = open_network(read_weights(options.weights), options, options.weights);
  s.description = std::move(file.description);
  s.network = std::move(file.network);
  s.notes = std::move(file.notes);
  if (!file.described)
    s.description.preprocess = default_preprocess(*s.network);
  else if (options.in_channels != 0 && options.in_channels != s.description.options.in_channels)
    throw UsageError("--in-chans: " + options.weights + " takes pictures of " +
                     std::to_string(s.description.options.in_channels) + " channels");
  override_preprocess(options, *s.network, s.description.preprocess);
  LoadOptions load;
  load.source = options.weights;
  s.notes.push_back(load_weights(*s.network, file.tensors, load).text());
  s.network->freeze();
  s.plan();
  return s;
}

}  // namespace thaw
