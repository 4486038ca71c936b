// The two committed tables of what cuDNN answers, as text.
#pragma once

#include <string>
#include <vector>

namespace thaw::deviceless {

struct Table {
  std::string text;
  std::size_t asked = 0;              // graphs
  std::vector<std::string> failures;  // graphs without an engine, in words
};

std::string cudnn_version();  // "9.19.1"

// Markdown: the engines of every convolution of the networks in tables.cpp, at batch 1, 32 and 256.
Table engine_table();
// The same graphs at batch 32 only; no text.
Table engine_sample();
// One question of questions.h per line, tab-separated: question, answer on sm_80, answer on sm_90.
Table answer_table();

}  // namespace thaw::deviceless
