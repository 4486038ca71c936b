#include "tools/program/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <istream>
#include <string_view>

#include "io/file/text.h"
#include "models/nearest_names.h"
#include "tools/program/frame.h"

namespace thaw {
namespace {

struct Alias {
  std::string_view theirs, ours;
};

constexpr std::array aliases{
    Alias{"data-dir", "data"},
    Alias{"data-path", "data"},
    Alias{"dataset", "data"},
    Alias{"arch", "model"},
    Alias{"checkpoint", "weights"},
    Alias{"weight", "weights"},
    Alias{"initial-checkpoint", "weights"},
    Alias{"learning-rate", "lr"},
    Alias{"weight-decay", "wd"},
    Alias{"optimizer", "opt"},
    Alias{"optim", "opt"},
    Alias{"scheduler", "sched"},
    Alias{"lr-scheduler", "sched"},
    Alias{"lr-warmup-epochs", "warmup-epochs"},
    Alias{"decay-rate", "lr-gamma"},
    Alias{"decay-epochs", "lr-step-size"},
    Alias{"patience-epochs", "plateau-patience"},
    Alias{"smoothing", "label-smoothing"},
    Alias{"img-size", "input-size"},
    Alias{"image-size", "input-size"},
    Alias{"in-channels", "in-chans"},
    Alias{"in-chans", "in-channels"},
    Alias{"output-dir", "output"},
    Alias{"out", "output"},
    Alias{"num-workers", "workers"},
    Alias{"batch", "batch-size"},
    Alias{"bs", "batch-size"},
    Alias{"valid-pct", "val-split"},
    Alias{"no-augment", "no-aug"},
    Alias{"num-threads", "threads"},
    Alias{"num-epochs", "epochs"},
    Alias{"top-k", "topk"},
    Alias{"dtype", "precision"},
    Alias{"clip-grad-norm", "clip-grad"},
};

// What others have an option for and Thaw does in another way.
constexpr std::array remedies{
    Alias{"pretrained", "give the file with --weights FILE; docs/weights.md says where files come from"},
    Alias{"amp", "give --precision bf16"},
    Alias{"fp16", "give --precision bf16"},
    Alias{"half", "give --precision bf16"},
    Alias{"gpu", "give --device cuda"},
    Alias{"gpus", "give --device cuda"},
    Alias{"num-classes", "the folders or the column label of --data say how many classes there are"},
    Alias{"freeze-backbone", "give --freeze backbone"},
    Alias{"finetune", "give --weights FILE, and --freeze SPEC for what shall stay as it is"},
    Alias{"lr-find", "give --lr find"},
    Alias{"unfreeze", "what --freeze SPEC does not name trains"},
    Alias{"aa", "there are random crops and flips, or --no-aug"},
    Alias{"hflip", "there are random crops and flips, or --no-aug"},
    Alias{"mixup", "Thaw has none"},
    Alias{"cutmix", "Thaw has none"},
    Alias{"drop", "Thaw has none"},
    Alias{"model-ema", "Thaw has none"},
    Alias{"quiet", "send standard error elsewhere: 2>/dev/null"},
};

const Alias* alias_of(const CLI::App& app, const std::string& name) {
  for (const Alias& alias : aliases)
    if (alias.theirs == name && app.get_option_no_throw("--" + std::string(alias.ours)) != nullptr)
      return &alias;
  return nullptr;
}

// "; nearest: --lr, --lr-gamma", in our names.
std::string nearest_options(const CLI::App& app, const std::string& name) {
  std::vector<std::string> candidates;
  for (const CLI::Option* option :
       app.get_options([](const CLI::Option* o) { return !o->get_group().empty(); }))
    for (const std::string& known : option->get_lnames()) candidates.push_back(known);
  for (const Alias& alias : aliases) candidates.emplace_back(alias.theirs);
  std::string text;
  for (std::string nearest : nearest_names(name.substr(0, 40), candidates)) {
    if (app.get_option_no_throw("--" + nearest) == nullptr) {
      const Alias* alias = alias_of(app, nearest);
      if (alias == nullptr) continue;
      nearest = alias->ours;
    }
    if ((text + ",").find(" --" + nearest + ",") == std::string::npos)
      text += (text.empty() ? "; nearest: --" : ", --") + nearest;
  }
  return text;
}

// "NAME" of "--NAME=value".
std::string_view name_of(std::string_view argument) {
  return argument.substr(
      2, argument.find('=') == std::string_view::npos ? argument.npos : argument.find('=') - 2);
}

bool is_flag(const CLI::App& app, const std::string& name) {
  return app.get_option("--" + name)->get_expected_max() == 0;
}

bool is_number(const std::string& text) {  // -inf is one
  char* end = nullptr;
  std::strtod(text.c_str(), &end);
  return *end == '\0';
}

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// What stands behind the "=": up to a comment, or between quotes. The commas in it are the option's own affair.
std::string value_of(const std::string& text) {
  const std::string value = trimmed(text);
  if (value.size() >= 2 && (value[0] == '"' || value[0] == '\'') && value.back() == value[0])
    return value.substr(1, value.size() - 2);
  return trimmed(value.substr(0, std::min(value.find(" #"), value.find("\t#"))));
}

class Config final : public CLI::ConfigINI {
 public:
  explicit Config(const CLI::App& app) : app_(app) {}

  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    std::vector<CLI::ConfigItem> found;
    std::string line;
    for (int number = 1; std::getline(input, line); ++number) try {
        const std::string text = trimmed(line);
        if (text.empty() || text[0] == '#' || text[0] == ';') continue;
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos)
          throw UsageError(fmt::format("'{}' is not NAME = VALUE", printable(text, 60)));
        CLI::ConfigItem item;
        item.name = option_name(app_, trimmed(text.substr(0, equals)));
        item.inputs = {value_of(text.substr(equals + 1))};
        if (is_flag(app_, item.name) && item.inputs[0] != "true" && item.inputs[0] != "false")
          throw UsageError(
              fmt::format("{} is '{}'; it takes true or false", item.name, printable(item.inputs[0], 40)));
        found.push_back(std::move(item));
      } catch (const UsageError& e) {
        throw UsageError(fmt::format("--config: line {}: {}", number, e.what()));
      }
    return found;
  }

 private:
  const CLI::App& app_;
};

}  // namespace

std::string option_name(const CLI::App& app, const std::string& given) {
  if (app.get_option_no_throw("--" + given) != nullptr) return given;
  std::string name = given;
  std::replace(name.begin(), name.end(), '_', '-');  // as fastai and Python spell them
  if (app.get_option_no_throw("--" + name) != nullptr) return name;
  if (const Alias* alias = alias_of(app, name)) return std::string(alias->ours);
  for (const Alias& remedy : remedies)
    if (remedy.theirs == name)
      throw UsageError(fmt::format("there is no option --{}; {}", name, remedy.ours));
  throw UsageError(
      fmt::format("there is no option --{}{}; see --help", printable(name, 40), nearest_options(app, name)));
}

std::vector<std::string> checked_arguments(const CLI::App& app, int argc, const char* const* argv) {
  std::vector<std::string> arguments;
  bool options = true;  // until "--"
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (argument == "--") options = false;
    if (options && argument.size() > 2 && argument.starts_with("--")) {
      const std::string given(name_of(argument));
      const std::string name = option_name(app, given), rest = argument.substr(2 + given.size());
      if (is_flag(app, name) && !rest.empty() && rest != "=true" && rest != "=false")
        throw UsageError(fmt::format("--{} takes no value; leave '{}' out", name, printable(rest, 40)));
      argument = "--" + name + rest;
    } else if (options && argument.size() > 1 && argument[0] == '-' &&
               std::isalpha(static_cast<unsigned char>(argument[1])) != 0 && !is_number(argument) &&
               app.get_option_no_throw(argument.substr(0, 2)) == nullptr) {
      throw UsageError(fmt::format("there is no option {}; see --help", printable(argument.substr(0, 2))));
    }
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

std::shared_ptr<CLI::Config> checked_config(const CLI::App& app) {
  return std::make_shared<Config>(app);
}

}  // namespace thaw
