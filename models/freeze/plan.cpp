#include "models/freeze/plan.h"

#include <charconv>
#include <optional>

#include "models/nearest_names.h"

namespace thaw {

namespace {

[[noreturn]] void fail(const std::string& item, const std::string& why) {
  throw Error("--freeze '" + item + "': " + why);
}

std::string trimmed(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t");
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::vector<std::string> split(const std::string& spec) {
  std::vector<std::string> items;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = spec.find(',', begin);
    items.push_back(trimmed(spec.substr(begin, end - begin)));
    if (items.back().empty()) fail(spec, "an item is empty; 'none' freezes nothing");
    if (end == std::string::npos) return items;
    begin = end + 1;
  }
}

std::vector<Module*> all_modules(Network& network) {
  std::vector<Module*> modules;
  network.visit([&](Module& m) {
    if (&m != &network) modules.push_back(&m);
  });
  return modules;
}

std::vector<std::string> all_paths(Network& network) {
  std::vector<std::string> paths;
  for (const Module* m : all_modules(network)) paths.push_back(m->path());
  return paths;
}

std::optional<std::size_t> number(const std::string& text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

// The modules that NAME[...] counts: the children of a module, or the network's stages.
std::vector<Module*> indexed(Network& network, const std::string& item, const std::string& name) {
  std::vector<Module*> modules;
  if (name == "stages") {
    for (const Network::Stage& stage : network.stages()) modules.push_back(stage.module);
    return modules;
  }
  for (const Module* m : all_modules(network)) {
    if (m->path() != name) continue;
    for (const Module::Child& child : m->children()) modules.push_back(child.module);
    if (modules.empty()) fail(item, "'" + name + "' has nothing inside to count");
    return modules;
  }
  fail(item, network.name() + " has no module '" + name + "'" + nearest_text(name, all_paths(network)));
}

// NAME[a:b] or NAME[a].
std::vector<Module*> by_index(Network& network, const std::string& item) {
  const std::size_t open = item.find('[');
  if (open == 0 || item.back() != ']') fail(item, "an index is written NAME[a:b] or NAME[a]");
  const std::string inside = item.substr(open + 1, item.size() - open - 2);
  const std::size_t colon = inside.find(':');
  const auto first = number(trimmed(inside.substr(0, colon)));
  const auto last = colon == std::string::npos ? first : number(trimmed(inside.substr(colon + 1)));
  if (!first || !last) fail(item, "an index is written NAME[a:b] or NAME[a] with whole numbers from 0");
  const std::size_t end = colon == std::string::npos ? *first + 1 : *last;

  const std::vector<Module*> modules = indexed(network, item, item.substr(0, open));
  if (*first >= end || end > modules.size())
    fail(item, "there are " + std::to_string(modules.size()) + ", so indices go from 0 to " +
                   std::to_string(modules.size() - 1) + " and a:b leaves out b");
  return {modules.begin() + static_cast<std::ptrdiff_t>(*first),
          modules.begin() + static_cast<std::ptrdiff_t>(end)};
}

std::vector<Module*> up_to(Network& network, const std::string& item, const std::string& name) {
  std::vector<Module*> modules;
  std::vector<std::string> names;
  for (const Network::Stage& stage : network.stages()) {
    modules.push_back(stage.module);
    names.push_back(stage.name);
    if (stage.name == name || stage.module->path() == name) return modules;
  }
  fail(item, network.name() + " has no stage '" + name + "'" + nearest_text(name, names));
}

std::vector<Module*> backbone(Network& network) {
  std::vector<Module*> modules;
  for (const Network::Stage& stage : network.stages())
    if (stage.module != &network.head()) modules.push_back(stage.module);
  return modules;
}

std::vector<Module*> by_glob(Network& network, const std::string& pattern) {
  std::vector<Module*> modules;
  for (Module* m : all_modules(network))
    if (matches_glob(pattern, m->path())) modules.push_back(m);
  if (modules.empty())
    fail(pattern, "no module of " + network.name() + " fits" + nearest_text(pattern, all_paths(network)));
  return modules;
}

std::vector<Module*> modules_of(Network& network, const std::string& item) {
  constexpr std::string_view upto = "upto:";
  if (item.starts_with(upto)) return up_to(network, item, trimmed(item.substr(upto.size())));
  if (item.find_first_of("[]") != std::string::npos) return by_index(network, item);
  if (item == "backbone") return backbone(network);
  return by_glob(network, item);
}

}  // namespace

bool matches_glob(const std::string& pattern, const std::string& text) {
  // On a mismatch the last * takes one character more; earlier ones never need to.
  std::size_t p = 0, t = 0;
  std::size_t star = std::string::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::vector<Module*> modules_to_freeze(Network& network, const std::string& spec) {
  const std::vector<std::string> items = split(spec);
  std::vector<Module*> modules;
  for (const std::string& item : items) {
    if (item == "none") {
      if (items.size() > 1) fail(spec, "'none' stands alone");
      return {};
    }
    for (Module* m : modules_of(network, item)) modules.push_back(m);
  }
  return modules;
}

void apply_freeze_plan(Network& network, const std::string& spec) {
  const std::vector<Module*> modules = modules_to_freeze(network, spec);
  network.freeze(false);
  for (Module* m : modules) m->freeze(true);
}

}  // namespace thaw
