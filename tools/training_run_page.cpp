// The page of a run, from what its folder and the run itself know.
#include <fmt/format.h>

#include <filesystem>

#include "io/atomic_file.h"
#include "tools/report_evaluation.h"
#include "tools/report_page.h"
#include "tools/training_run.h"

namespace thaw {

namespace {

// As a shell takes it.
std::string quoted(const std::string& word) {
  const std::string plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./,:=+-@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

std::string command_line(const GivenOptions& given, const std::string& output) {
  std::string text = "train";
  for (const auto& [name, values] : given) {
    text += " --" + name;
    if (values != std::vector<std::string>{"true"})
      text += " " + quoted(fmt::format("{}", fmt::join(values, ",")));
  }
  return text + " --output " + quoted(output);
}

std::string folder_name(const std::string& path) {
  const std::filesystem::path whole = std::filesystem::absolute(path).lexically_normal();
  return whole.has_filename() ? whole.filename().string() : whole.parent_path().filename().string();
}

}  // namespace

void TrainingRun::keep_best(EvaluationReport report) {
  best_ = std::move(report);
  best_details_ = evaluation_html(best_, splits_.val);
}

void TrainingRun::write_page(const OutputDirectory& output, const std::string& receipt) const {
  if (position_.epochs_done == 0) return;
  const PlanTable plan = stage_plan();
  ReportPage page;
  page.title = session_.description.model + " on " + folder_name(options_.data.data);
  page.command = command_line(given_, output.path());
  page.data = data_lines();
  page.training = training_line();
  if (options_.freeze_epochs > 0)
    page.freeze = fmt::format("the first {} epochs {} the head only{} ", options_.freeze_epochs,
                              head_only_ ? "train" : "trained", head_only_ ? ":" : "; then");
  page.freeze += freeze_line();
  page.freeze_table = plan_cells(plan);
  page.freeze_verdict = plan_verdict(plan);
  page.receipt = receipt;
  page.epochs = read_metrics(output.file("metrics.jsonl"));
  page.planned_epochs = options_.epochs;
  page.best_epoch = position_.best_epoch;
  page.best = best_;
  page.best_details = best_details_;
  write_file_atomically(output.file("report.html"), report_html(page));
}

}  // namespace thaw
