// What a run says before it begins.
#include <fmt/format.h>

#include "tools/train/run.h"

namespace thaw {

std::string TrainingRun::freeze_line() const {
  std::int64_t trained = 0, all = 0;
  for (const Parameter* p : session_.arenas.trainable()) trained += p->value.elements();
  for (const Parameter* p : session_.arenas.frozen()) all += p->value.elements();
  all += trained;
  return fmt::format("freeze {}: {} of {} parameter tensors frozen, {} of {} parameters are trained; --bn {}",
                     head_only_ ? "backbone" : options_.freeze_spec(), session_.arenas.frozen().size(),
                     session_.arenas.frozen().size() + session_.arenas.trainable().size(), trained, all,
                     options_.bn);
}

std::string TrainingRun::data_lines() const {
  const Preprocess& p = session_.description.preprocess;
  std::string out;
  const auto line = [&out](const std::string& text) { out += text + "\n"; };
  for (const std::string& note : splits_.notes) line("data: " + note);
  std::string classes;
  const std::vector<std::int64_t> counts = splits_.train.class_counts();
  for (std::size_t i = 0; i < counts.size() && i < 10; ++i)
    classes += fmt::format("{}{} {}", i > 0 ? ", " : "", splits_.train.classes[i], counts[i]);
  if (counts.size() > 10) classes += fmt::format(", and {} more classes", counts.size() - 10);
  const bool cases = splits_.train.views > 1 || !features_.empty();
  line(fmt::format("data: {} training and {} validation {} of {} classes ({})", splits_.train.samples.size(),
                   splits_.val.samples.size(), cases ? "cases" : "pictures", counts.size(), classes));
  if (cases)
    line(fmt::format("data: a case has {} picture{} and {} feature{}{}{}", splits_.train.views,
                     splits_.train.views == 1 ? "" : "s", features_.size(), features_.size() == 1 ? "" : "s",
                     features_.empty() ? "" : ": ", fmt::join(splits_.train.features, ", ")));
  line(fmt::format("input: {}x{}x{}, crop {:g}, mean {:g}, std {:g}; {}", p.channels, p.input_size,
                   p.input_size, p.crop_pct, fmt::join(p.mean, ","), fmt::join(p.std, ","),
                   p.channels == 3 ? "grey pictures are repeated to RGB" : "colour pictures become grey"));
  line(device_line(options_.model, *session_.backend));
  if (options_.model.weights.empty())
    line("weights: none, " + session_.description.model + " starts from random values");
  for (const std::string& note : session_.notes) line("weights: " + note);
  return out;
}

PlanTable TrainingRun::stage_plan() const {
  const ModelDescription& d = session_.description;
  return plan_table(d.model, d.options,
                    {.freeze = options_.freeze_spec(),
                     .bn = batch_norm_policy(options_.bn),
                     .lr = options_.base_lr(),
                     .backbone_lr_mult = options_.backbone_lr_mult,
                     .input_size = d.preprocess.input_size});
}

std::string TrainingRun::training_line() const {
  return fmt::format("training: {} epochs of {} batches, {} with lr {:g}{}, {} schedule\n", options_.epochs,
                     train_loader_->batches(), options_.opt, options_.base_lr(),
                     options_.lr > 0 ? "" : " (default)", options_.sched);
}

std::string TrainingRun::plan() const {
  const std::string freeze = head_only_ ? fmt::format("freeze: the first {} epochs train the head only; {}",
                                                      options_.freeze_epochs, freeze_line())
                                        : freeze_line();
  return data_lines() + freeze + "\n" + training_line();
}

}  // namespace thaw
