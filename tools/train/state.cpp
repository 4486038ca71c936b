#include "tools/train/state.h"

#include <nlohmann/json.hpp>

#include "io/weights/checkpoint.h"
#include "kernels/error.h"
#include "tools/program/bounded_json.h"

namespace thaw {
namespace {

constexpr int format_version = 4;
constexpr std::size_t text_limit = std::size_t{64} << 20;  // 250 bytes for each epoch
const std::string model_prefix = "model.", optimizer_prefix = "optimizer.", best_logits = "best_logits";

nlohmann::ordered_json position_json(const TrainingPosition& p) {
  nlohmann::ordered_json out;
  out["epochs_done"] = p.epochs_done;
  out["batches_done"] = p.batches_done;
  out["step"] = p.step;
  out["loss_sum"] = p.loss_sum;
  out["right"] = p.right;
  out["images"] = p.images;
  out["best_epoch"] = p.best_epoch;
  out["best_accuracy"] = p.best_accuracy;
  out["plateau"] = {
      {"best", p.plateau.best}, {"bad_epochs", p.plateau.bad_epochs}, {"falls", p.plateau.falls}};
  return out;
}

TrainingPosition position_of(const nlohmann::json& in) {
  TrainingPosition p;
  in.at("epochs_done").get_to(p.epochs_done);
  in.at("batches_done").get_to(p.batches_done);
  in.at("step").get_to(p.step);
  in.at("loss_sum").get_to(p.loss_sum);
  in.at("right").get_to(p.right);
  in.at("images").get_to(p.images);
  in.at("best_epoch").get_to(p.best_epoch);
  in.at("best_accuracy").get_to(p.best_accuracy);
  in.at("plateau").at("best").get_to(p.plateau.best);
  in.at("plateau").at("bad_epochs").get_to(p.plateau.bad_epochs);
  in.at("plateau").at("falls").get_to(p.plateau.falls);
  return p;
}

}  // namespace

void TrainingPosition::next_epoch() {
  ++epochs_done;
  batches_done = right = images = 0;
  loss_sum = 0;
}

void write_train_state(const std::string& path, const TrainState& state) {
  nlohmann::ordered_json json;
  json["train_state"] = format_version;
  json["options"] = state.options;
  json["fingerprint"] = state.fingerprint;
  json["notes"] = state.notes;
  json["description"] = state.description.json();
  json["position"] = position_json(state.position);
  json["best_weights"] = state.best_weights;
  json["epochs"] = nlohmann::ordered_json::array();
  for (const EpochMetrics& m : state.epochs) json["epochs"].push_back(metrics_json(m));
  if (state.range_test.chosen > 0)
    json["range_test"] = {{"lr", state.range_test.lr},
                          {"loss", state.range_test.loss},
                          {"chosen", state.range_test.chosen},
                          {"found", state.range_test.found}};
  StateDict tensors;
  for (const auto& [name, tensor] : state.model) tensors.add(model_prefix + name, tensor);
  for (const auto& [name, tensor] : state.optimizer) tensors.add(optimizer_prefix + name, tensor);
  if (state.best_logits.defined()) tensors.add(best_logits, state.best_logits);
  write_checkpoint(path, tensors,
                   json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

TrainState read_train_state(const std::string& path) {
  const Checkpoint file = read_checkpoint(path);
  TrainState state;
  try {
    const auto json = parse_json(file.json, path, text_limit);
    if (json.at("train_state").get<int>() != format_version)
      throw Error(path + ": written by another version of Thaw");
    json.at("options").get_to(state.options);
    json.at("fingerprint").get_to(state.fingerprint);
    json.at("notes").get_to(state.notes);
    state.description = ModelDescription::parse(json.at("description").get<std::string>(), path);
    state.position = position_of(json.at("position"));
    json.at("best_weights").get_to(state.best_weights);
    if (json.contains("range_test")) {
      const auto& test = json.at("range_test");
      test.at("lr").get_to(state.range_test.lr);
      test.at("loss").get_to(state.range_test.loss);
      test.at("chosen").get_to(state.range_test.chosen);
      test.at("found").get_to(state.range_test.found);
      const RangeTest& t = state.range_test;
      if (t.lr.size() != t.loss.size() || t.lr.size() > RangeTest::steps)
        throw Error(path + ": is not a training state: its range test has " + std::to_string(t.lr.size()) +
                    " rates and " + std::to_string(t.loss.size()) + " losses");
    }
    for (const auto& epoch : json.at("epochs")) {
      state.epochs.push_back(metrics_of(epoch));
      if (state.epochs.back().epoch != static_cast<int>(state.epochs.size()))
        throw Error(path + ": is not a training state: its epochs are not 1, 2, ...");
    }
    if (state.position.best_epoch < 0 || state.position.best_epoch > state.position.epochs_done ||
        state.position.batches_done < 0)
      throw Error(path + ": is not a training state: its position is none of a run");
    if (static_cast<int>(state.epochs.size()) != state.position.epochs_done)
      throw Error(path + ": is not a training state: it tells of " + std::to_string(state.epochs.size()) +
                  " epochs, but " + std::to_string(state.position.epochs_done) + " are done");
  } catch (const nlohmann::json::exception& e) {
    throw Error(path + ": is not a training state: " + e.what());
  }
  for (const auto& [name, tensor] : file.tensors) {
    if (name.starts_with(model_prefix))
      state.model.add(name.substr(model_prefix.size()), tensor);
    else if (name.starts_with(optimizer_prefix))
      state.optimizer.add(name.substr(optimizer_prefix.size()), tensor);
    else if (name == best_logits)
      state.best_logits = tensor;
    else
      throw Error(path + ": is not a training state: it holds a tensor " + name);
  }
  return state;
}

}  // namespace thaw
