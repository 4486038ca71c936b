// What is asked of the real cuDNN and of its fake alike: which graphs have an engine, and how wrong calls are
// refused. cudnn_answers.tsv holds the real answers; the fake may refuse more, never less.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kernels/cuda/cudnn_graph.h"

namespace thaw::deviceless {

struct Question {
  std::string name;
  // Of a graph: the number of engine configurations, "0" if there are none or none compiles. Of a wrong call:
  // the name of the status.
  std::function<std::string(const cuda::Device& device)> ask;
  bool graph = false;
};

std::vector<Question> questions();
std::vector<Question> graph_questions();   // in graph_questions.cpp
std::vector<Question> misuse_questions();  // in misuse_questions.cpp

}  // namespace thaw::deviceless
