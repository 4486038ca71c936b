#include "tools/network/open_network.h"

#include "models/registry.h"
#include "models/weights/input_channels.h"
#include "models/weights/load.h"
#include "tools/network/ignore_tensors.h"
#include "tools/program/frame.h"

namespace thaw {

namespace {

NetworkOptions options_in(const StateDict& tensors, const ModelOptions& options) {
  const NetworkFacts& facts = network_facts(options.model);
  NetworkOptions found{.num_classes = facts.num_classes,
                       .in_channels = options.in_channels == 0 ? facts.in_channels : options.in_channels,
                       .input_size = options.input_size};
  if (facts.complete != nullptr) found = facts.complete(found, tensors);
  const auto network = make_network(options.model, found);
  const std::string head = network->head_name() + ".weight";
  for (const auto& [name, tensor] : tensors)
    if (tensor.shape().rank() == 2 && tensor.shape()[0] > 0 && network->current_name(name) == head)
      found.num_classes = tensor.shape()[0];
  return found;
}

// The registered network that these are all tensors of; "": none.
std::string fitting_model(const StateDict& tensors, ModelOptions options) {
  for (const std::string& name : model_names()) try {
      options.model = name;
      check_weights(*make_network(name, options_in(tensors, options)), tensors);
      return name;
    } catch (const Error&) {  // it is another one's
    }
  return "";
}

}  // namespace

NetworkFile open_network(LoadedWeights file, const ModelOptions& options, const std::string& source) {
  ignore_tensors(file, options.ignore, source);
  NetworkFile out;
  out.tensors = std::move(file.tensors);
  out.notes = std::move(file.notes);
  out.described = !file.metadata.empty();
  ModelDescription& d = out.description;
  if (out.described) {
    d = ModelDescription::parse(file.metadata, source);
    if (!options.model.empty() && !same_model(options.model, d.model))
      throw UsageError("--model " + options.model + ": " + source + " holds a " + d.model);
  } else if (options.model.empty()) {
    const std::string fits = fitting_model(out.tensors, options);
    throw UsageError("--model NAME is required: " + source +
                     " was not written by Thaw and does not name its network" +
                     (fits.empty() ? "" : "; it fits " + fits + ": give --model " + fits));
  } else {
    d.model = options.model;
    d.options = options_in(out.tensors, options);
  }
  try {
    out.network = make_network(d.model, d.options);
  } catch (const Error& e) {
    throw Error(source + ": " + e.what());
  }
  if (!out.described && options.in_channels == 1)
    if (const std::string note = adapt_input_channels(*out.network, out.tensors); !note.empty())
      out.notes.push_back(note);
  try {
    check_weights(*out.network, out.tensors, {.source = source});
  } catch (const Error&) {
    const std::string fits = out.described ? "" : fitting_model(out.tensors, options);
    if (fits.empty()) throw;
    check_weights(*out.network, out.tensors,
                  {.source = source, .remedy = "it fits " + fits + ": give --model " + fits});
  }
  if (!out.described)
    for (std::int64_t i = 1; i <= d.options.features; ++i)
      d.features.push_back({"feature" + std::to_string(i)});
  return out;
}

}  // namespace thaw
