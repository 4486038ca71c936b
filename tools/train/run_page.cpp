// The page of a run, from what its folder and the run itself know.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <filesystem>

#include "io/file/atomic.h"
#include "io/file/names.h"
#include "tools/program/messages.h"
#include "tools/program/progress.h"
#include "tools/program/version.h"
#include "tools/report/page.h"
#include "tools/report/range_test_section.h"
#include "tools/train/run.h"

namespace thaw {

std::vector<std::pair<std::string, std::string>> TrainingRun::card() const {
  double seconds = 0;
  for (const EpochMetrics& m : record_.epochs) seconds += m.seconds;
  const ModelDescription& d = setup_.session.description;
  std::int64_t parameters = 0;
  for (const Parameter* p : setup_.session.network->parameters()) parameters += p->value.elements();
  return {{"date", fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(std::time(nullptr)))},
          {"time", fmt::format("{} in {} epoch{}", clock_text(seconds), record_.epochs.size(),
                               record_.epochs.size() == 1 ? "" : "s")},
          {"Thaw", thaw_version()},
          {"device", setup_.session.backend->description()},
          {"network", fmt::format("{}, {} parameters, {} classes, pictures of {}x{}", d.model, parameters,
                                  d.classes.size(), d.preprocess.input_size, d.preprocess.input_size)},
          {"weights",
           setup_.options.model.weights.empty() ? "none: random at the start" : setup_.options.model.weights},
          {"plan", freeze_line()}};
}

ReportPage TrainingRun::page(const OutputDirectory& output, const std::string& receipt) const {
  const PlanTable plan = stage_plan();
  ReportPage out;
  out.card = card();
  out.train_images = static_cast<std::int64_t>(setup_.splits.train.samples.size());
  out.val_images = static_cast<std::int64_t>(setup_.splits.val.samples.size());
  const TrainingPosition& at = record_.position;
  const auto images = static_cast<double>(std::max<std::int64_t>(1, at.images));
  if (receipt.empty())
    out.under_way = {at.epochs_done + 1, at.batches_done, train_loader_->batches(), at.loss_sum / images,
                     static_cast<double>(at.right) / images};
  out.title = setup_.session.description.model + " on " + last_name(setup_.options.data.data);
  out.command = "train" + command_line(record_.given()) + " --output " + shell_quoted(output.path());
  out.data = data_lines();
  out.training = training_line();
  if (setup_.options.freeze_epochs > 0)
    out.freeze = fmt::format("the first {} epochs {} the head only{} ", setup_.options.freeze_epochs,
                             head_only_ ? "train" : "trained", head_only_ ? ":" : "; then");
  out.freeze += freeze_line();
  out.freeze_table = plan_cells(plan);
  out.freeze_verdict = plan_verdict(plan);
  out.receipt = receipt;
  out.epochs = record_.epochs;
  out.planned_epochs = setup_.options.epochs;
  out.best_epoch = record_.position.best_epoch;
  out.best = record_.best();
  out.best_details = record_.best_details();
  out.data_details = data_details_;
  out.range_test = range_test_html(record_.range_test);
  return out;
}

void TrainingRun::write_page(const OutputDirectory& output, const std::string& receipt) const {
  const std::string file = output.file("report.html");
  // A run without an epoch has no page, unless one stands there of an epoch that was under way.
  const bool under_way = receipt.empty() && record_.position.batches_done > 0;
  if (record_.epochs.empty() && !under_way && !std::filesystem::exists(file)) return;
  try {
    write_file_atomically(file, report_html(page(output, receipt)));
  } catch (const std::exception& e) {
    say("warning: no page was written: {}\n", e.what());
  }
}

}  // namespace thaw
