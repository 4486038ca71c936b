// What a run says before it begins.
#include <fmt/format.h>

#include "io/file/text.h"
#include "tools/train/run.h"

namespace thaw {

std::string TrainingRun::freeze_line() const {
  return setup_.freeze_line(head_only_);
}

std::string TrainingRun::data_lines() const {
  const Preprocess& p = setup_.session.description.preprocess;
  std::string out;
  const auto line = [&out](const std::string& text) { out += text + "\n"; };
  for (const std::string& note : setup_.splits.notes) line("data: " + note);
  std::string classes;
  const std::vector<std::int64_t> counts = setup_.splits.train.class_counts();
  for (std::size_t i = 0; i < counts.size() && i < 10; ++i)
    classes +=
        fmt::format("{}{} {}", i > 0 ? ", " : "", printable(setup_.splits.train.classes[i], 60), counts[i]);
  if (counts.size() > 10) classes += fmt::format(", and {} more classes", counts.size() - 10);
  const bool cases = setup_.splits.train.views > 1 || !setup_.features.empty();
  line("data: " + setup_.data_line() + " (" + classes + ")");
  if (cases)
    line(fmt::format("data: a case has {} picture{} and {} feature{}{}{}", setup_.splits.train.views,
                     setup_.splits.train.views == 1 ? "" : "s", setup_.features.size(),
                     setup_.features.size() == 1 ? "" : "s", setup_.features.empty() ? "" : ": ",
                     fmt::join(setup_.splits.train.features, ", ")));
  line(input_line(p) +
       (p.channels == 3 ? "; grey pictures are repeated to RGB" : "; colour pictures become grey"));
  line(device_line(setup_.options.model, *setup_.session.backend));
  if (setup_.options.model.weights.empty())
    line("weights: none, " + setup_.session.description.model + " starts from random values");
  for (const std::string& note : setup_.session.notes) line("weights: " + note);
  return out;
}

PlanTable TrainingRun::stage_plan() const {
  const ModelDescription& d = setup_.session.description;
  return plan_table(d.model, d.options,
                    {.freeze = setup_.options.freeze_spec(),
                     .bn = batch_norm_policy(setup_.options.bn),
                     .lr = setup_.options.base_lr(),
                     .backbone_lr_mult = setup_.options.backbone_lr_mult,
                     .input_size = d.preprocess.input_size});
}

std::string TrainingRun::training_line() const {
  const TrainOptions& o = setup_.options;
  const std::string rate = o.lr_find && o.lr == 0 ? "an lr that a range test finds first"
                                                  : fmt::format("lr {:g}{}", o.base_lr(),
                                                                record_.range_test.found ? " (found)"
                                                                : o.lr > 0               ? ""
                                                                                         : " (default)");
  return fmt::format("training: {} epoch{} of {} batch{}, {} with {}, {} schedule{}\n", o.epochs,
                     o.epochs == 1 ? "" : "s", train_loader_->batches(),
                     train_loader_->batches() == 1 ? "" : "es", o.opt, rate, o.sched,
                     o.sampler == "balanced" ? "; every class comes equally often in an epoch" : "");
}

std::string TrainingRun::summary() const {
  const std::string freeze = head_only_ ? fmt::format("freeze: the first {} epochs train the head only; {}",
                                                      setup_.options.freeze_epochs, freeze_line())
                                        : freeze_line();
  return data_lines() + freeze + "\n" + training_line();
}

}  // namespace thaw
