// The page of a run, from what its folder and the run itself know.
#include <fmt/format.h>

#include <filesystem>

#include "io/file/atomic.h"
#include "tools/program/messages.h"
#include "tools/report/page.h"
#include "tools/train/run.h"

namespace thaw {

namespace {

std::string folder_name(const std::string& path) {
  const std::filesystem::path whole = std::filesystem::absolute(path).lexically_normal();
  return whole.has_filename() ? whole.filename().string() : whole.parent_path().filename().string();
}

}  // namespace

ReportPage TrainingRun::page(const OutputDirectory& output, const std::string& receipt) const {
  const PlanTable plan = stage_plan();
  ReportPage out;
  out.title = setup_.session.description.model + " on " + folder_name(setup_.options.data.data);
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
  return out;
}

void TrainingRun::write_page(const OutputDirectory& output, const std::string& receipt) const {
  if (record_.epochs.empty()) return;
  const std::string file = output.file("report.html");
  try {
    write_file_atomically(file, report_html(page(output, receipt)));
  } catch (const std::exception& e) {
    say("warning: no page was written: {}\n", e.what());
  }
}

}  // namespace thaw
