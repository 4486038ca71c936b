// What a --freeze SPEC means.
//
// Comma-separated items; what no item names stays trainable:
//   NAME[a:b], NAME[a]   children of module NAME by index, half-open ("layer1[0:2]");
//                        "stages[a:b]": the network's stages
//   upto:NAME            all stages up to and including NAME
//   none                 nothing
//   backbone             all but the head
//   GLOB                 modules whose path fits * and ? ("layer1", "layer?.0.*"); * also crosses dots
#pragma once

#include <string>
#include <vector>

#include "models/network.h"

namespace thaw {

// The modules that `spec` freezes (each with all below it). Throws Error on bad grammar, an index out of
// range, a name that nothing bears (with the nearest names).
std::vector<Module*> modules_to_freeze(Network& network, const std::string& spec);

// Thaws everything, then freezes what `spec` names. Plan the arenas anew afterwards.
void apply_freeze_plan(Network& network, const std::string& spec);

// Whether `text` fits `pattern` of literal characters, * (any run) and ? (any one).
bool matches_glob(const std::string& pattern, const std::string& text);

}  // namespace thaw
