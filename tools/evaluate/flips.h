// --tta flips: a network asked about each picture and about its mirror image. The mean is taken of probabilities.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/evaluate/evaluation_report.h"
#include "tools/network/session.h"

namespace CLI {
class App;  // of CLI11
}

namespace thaw {

class Loader;

// Adds --tta: "none" or "flips".
void add_tta_option(CLI::App& app, std::string& tta);

// Rows [N,columns] of logits with the means of the probabilities that the rows of `a` and `b` stand for: their logarithms,
// or of one column their log-odds. Finite where a and b are.
std::vector<float> mean_probability_logits(const std::vector<float>& a, const std::vector<float>& b,
                                           std::int64_t columns);

// evaluate_model over the pictures of `loader`, and once more over their mirror images.
EvaluationReport evaluate_with_flips(Session& session, Loader& loader, const std::string& progress);

}  // namespace thaw
