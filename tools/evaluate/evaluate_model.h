// Runs a network over a dataset without training it.
#pragma once

#include <functional>

#include "tools/evaluate/batch_run.h"
#include "tools/evaluate/evaluation_report.h"
#include "tools/network/image_input.h"
#include "tools/network/session.h"

namespace thaw {

// A network's output [N,K] as f32 in host memory, row after row. Waits for it.
std::vector<float> host_rows(const Variable& output);
// That of one input. features: f32 [N,F] in host memory, or undefined.
std::vector<float> logits_of(Network& network, const Variable& input, const Tensor& features = {});

// Every picture of `loader` once, the report's logits in the order of its samples; `progress` (may be empty)
// draws a bar with that label. `stop` (may be empty) is asked before each batch; when it says true, the
// report has no images. Throws Error as the loader does, and where the device has no memory for a batch: it
// names a batch size that would fit. `mirrored`: of their mirror images instead.
EvaluationReport evaluate_model(Session& session, Loader& loader, const std::string& progress,
                                const std::function<bool()>& stop = {}, bool mirrored = false);
// The same with another way through the network (from cached features); its output is rows [N,outputs].
EvaluationReport evaluate_model(const std::function<DeviceBatch(const Batch&)>& upload,
                                const std::function<Variable(const DeviceBatch&)>& forward,
                                std::int64_t outputs, Loader& loader, const std::string& progress,
                                const std::function<bool()>& stop = {});

}  // namespace thaw
