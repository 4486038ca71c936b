// Man pages and completions, which the programs print from the table of --help.
#include <regex>
#include <set>

#include "tests/tools/programs.h"

namespace thaw::testing {
namespace {

const char* const programs[] = {"train",   "evaluate", "predict", "convert",
                                "inspect", "compare",  "bench",   "make_shapes"};

std::string printed(const std::string& program, const std::vector<std::string>& arguments) {
  const Outcome outcome = run(program, arguments);
  CAPTURE(program);
  CAPTURE(outcome.err);
  REQUIRE(outcome.code == 0);
  return outcome.out;
}

// What stands at the beginning of the lines of --help: "-b", "--batch-size", "IMAGE".
std::set<std::string> names_in_help(const std::string& help) {
  std::set<std::string> names;
  const std::regex line("\n  (?:(-[a-z]), )?(--[a-z][a-z0-9-]*|[A-Z]+)");
  for (std::sregex_iterator at(help.begin(), help.end(), line), end; at != end; ++at)
    for (const int group : {1, 2})
      if ((*at)[group].matched) names.insert((*at)[group]);
  return names;
}

std::string without_backslashes(std::string text) {
  std::erase(text, '\\');
  return text;
}

// What bash offers for the last one of `words`.
std::set<std::string> completed(const std::string& script, const std::string& function,
                                const std::string& words) {
  const TempFolder folder;
  write_file(folder.file("ask"),
             "cd '" + folder.file("") + "' && mkdir -p 'my pictures' && touch w.pth\nsource '" + script +
                 "'\nCOMP_WORDS=(" + words + ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n" + function +
                 "\nprintf '%s\\n' \"${COMPREPLY[@]}\" >answer\n");
  // Outside of a completion, compopt has nothing to change and says so.
  REQUIRE(std::system(("bash '" + folder.file("ask") + "' 2>/dev/null").c_str()) == 0);
  std::set<std::string> answers;
  std::istringstream lines(read_file(folder.file("answer")));
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) answers.insert(line);
  return answers;
}

TEST_CASE("every option of every program stands in its man page and its completions") {
  for (const std::string program : programs) {
    const std::set<std::string> names = names_in_help(printed(program, {"--help"}));
    CHECK(names.size() > 5);
    const std::string man = without_backslashes(printed(program, {"--print-man"})),
                      bash = printed(program, {"--print-completion", "bash"}),
                      zsh = printed(program, {"--print-completion", "zsh"});
    CHECK(man.starts_with(".TH \""));
    CHECK(zsh.starts_with("#compdef thaw-" + program + "\n"));
    for (const std::string& name : names) {
      CAPTURE(program);
      CAPTURE(name);
      const bool positional = name[0] != '-';
      CHECK(man.find((positional ? "\n.TP\nfI" : "fB") + name + "fR") != std::string::npos);
      if (!positional) CHECK(std::regex_search(bash, std::regex("[' ]" + name + "[ ')]")));
      CHECK(std::regex_search(zsh,
                              std::regex(positional ? ":" + name + ":_files" : "[)*]" + name + "[=+]?\\[")));
    }
    CHECK(names_in_help(printed(program, {"--help"})).count("--print-man") == 0);
  }
  CHECK(run("train", {"--print-completion", "fish"}).code == 2);
}

TEST_CASE("bash completes options, their values, files and folders") {
  const TempFolder folder;
  const std::string script = folder.file("thaw-train");
  write_file(script, printed("train", {"--print-completion", "bash"}));
  const auto train = [&](const std::string& words) { return completed(script, "_thaw_train", words); };
  using Words = std::set<std::string>;
  CHECK(train("thaw-train --mom") == Words{"--momentum"});
  CHECK(train("thaw-train --opt ''") == Words{"sgd", "adamw"});
  CHECK(train("thaw-train --opt = a") == Words{"adamw"});  // as bash splits --opt=a
  CHECK(train("thaw-train --opt =") == Words{"sgd", "adamw"});
  CHECK(train("thaw-train --model resnet2") == Words{"resnet20", "resnet20b"});
  CHECK(train("thaw-train --weights w") == Words{"w.pth"});
  CHECK(train("thaw-train --output ''") == Words{"my pictures"});
  CHECK(train("thaw-train -b ''").empty());

  write_file(folder.file("thaw"), printed("thaw", {"--print-completion", "bash"}));
  CHECK(completed(folder.file("thaw"), "_thaw", "thaw tr") == Words{"train"});
  CHECK(completed(folder.file("thaw"), "_thaw", "thaw train --sched p") == Words{"plateau"});
  CHECK(completed(folder.file("thaw"), "_thaw", "thaw none --s").empty());
  for (const char* program : programs) {
    write_file(script, printed(program, {"--print-completion", "bash"}));
    CHECK(std::system(("bash -n '" + script + "'").c_str()) == 0);
  }
}

TEST_CASE("thaw: its man page and completions name every program") {
  const std::string man = printed("thaw", {"--print-man"}),
                    bash = printed("thaw", {"--print-completion", "bash"}),
                    zsh = printed("thaw", {"--print-completion", "zsh"});
  for (const std::string program : programs) {
    CHECK(man.find(".BR thaw\\-" + program + " (1)") != std::string::npos);
    CHECK(bash.find(program + " ") != std::string::npos);
    CHECK(zsh.find("\"" + program + ":") != std::string::npos);
  }
  CHECK(run("thaw", {"--print-completion", "fish"}).code == 2);
}

TEST_CASE("groff reads the man pages without a warning") {
  if (std::system("groff --version >/dev/null 2>&1") != 0) {
    MESSAGE("not run: groff is not here");
    return;
  }
  const TempFolder folder;
  for (const std::string program : {"thaw", "train", "predict", "make_shapes"}) {
    write_file(folder.file("page"), printed(program, {"--print-man"}));
    REQUIRE(std::system(("groff -man -ww -Tascii '" + folder.file("page") + "' >'" + folder.file("text") +
                         "' 2>'" + folder.file("warnings") + "'")
                            .c_str()) == 0);
    CHECK(read_file(folder.file("warnings")) == "");
  }
}

}  // namespace
}  // namespace thaw::testing
