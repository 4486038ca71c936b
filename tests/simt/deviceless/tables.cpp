#include "tests/simt/deviceless/tables.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <vector>

#include "kernels/error.h"
#include "tests/simt/deviceless/described_device.h"
#include "tests/simt/deviceless/engines.h"
#include "tests/simt/deviceless/model_graphs.h"
#include "tests/simt/deviceless/questions.h"

namespace thaw::deviceless {
namespace {

const std::vector<std::int64_t> every_batch{1, 32, 256};

struct Model {
  const char* name;
  std::int64_t size;
};
constexpr Model models[] = {{"resnet18", 224}, {"resnet50", 224}, {"resnet20", 32}, {"densenet121", 224}};

// Of all graphs of one kind, on one device.
struct Summary {
  std::size_t graphs = 0, fewest = SIZE_MAX, precompiled = 0;
  std::map<std::int64_t, std::int64_t> workspace;  // the largest, by batch
};

using Row = std::tuple<std::string, DType, std::string>;          // network, type, kind
using Summaries = std::map<Row, std::map<std::string, Summary>>;  // by device

void add(Summary& sum, const Engines& engines, std::int64_t batch) {
  ++sum.graphs;
  sum.fewest = std::min(sum.fewest, engines.configurations);
  sum.precompiled += engines.precompiled ? 1 : 0;
  std::int64_t& largest = sum.workspace[batch];
  largest = std::max(largest, engines.workspace);
}

std::string cells(const Summary& sum) {
  std::string text = std::to_string(sum.fewest) + " | " + std::to_string(sum.precompiled) + "/" +
                     std::to_string(sum.graphs) + " | ";
  for (const auto& [batch, bytes] : sum.workspace)
    text += (batch == every_batch[0] ? "" : " / ") + std::to_string((bytes + (1 << 20) - 1) >> 20);
  return text;
}

Engines engines_of(Table& table, const ConvolutionGraph& graph, const DescribedDevice& device,
                   const cuda::Device& descriptor, DType type, std::int64_t batch, const std::string& model) {
  ++table.asked;
  Engines engines;
  std::string refusal;
  try {
    cuda::GraphBuilder builder;
    engines = ask(operation_graph(builder, graph, type, batch), descriptor, cuda::limits_for(type, false));
  } catch (const Error& error) {
    refusal = std::string(": ") + error.what();
  }
  if (engines.configurations == 0)
    table.failures.push_back(device.name + " " + model + " " + graph.kind_name() + " " + dtype_name(type) +
                             " batch " + std::to_string(batch) + " " + std::to_string(graph.spec.in) +
                             " to " + std::to_string(graph.spec.out) + " channels, kernel " +
                             std::to_string(graph.spec.kernel_h) + ": no engine" + refusal);
  return engines;
}

Summaries ask_everything(Table& table, const std::vector<std::int64_t>& batches) {
  Summaries sums;
  const auto devices = described_devices();
  std::vector<cuda::Device> descriptors;
  for (const DescribedDevice& device : devices) descriptors.push_back(cuda::device_described(device.json));
  for (const Model& model : models)
    for (const ConvolutionGraph& graph : convolution_graphs(model.name, model.size))
      for (const DType type : {DType::f32, DType::bf16})
        for (std::size_t d = 0; d < devices.size(); ++d)
          for (const std::int64_t batch : batches)
            add(sums[{model.name, type, graph.kind_name()}][devices[d].name],
                engines_of(table, graph, devices[d], descriptors[d], type, batch, model.name), batch);
  return sums;
}

}  // namespace

std::string cudnn_version() {
  const std::size_t v = cudnnGetVersion();
  return std::to_string(v / 10000) + "." + std::to_string(v / 100 % 100) + "." + std::to_string(v % 100);
}

Table engine_table() {
  Table table;
  const Summaries sums = ask_everything(table, every_batch);
  table.text = "cuDNN " + cudnn_version() +
               ". *fewest*: the least number of engine configurations of any graph of the row; *plans*: of "
               "the row's graphs (each at batch 1, 32, 256) those with a plan from a precompiled engine, the "
               "others are compiled by a driver; *MiB*: the largest workspace at batch 1 / 32 / 256, of that "
               "plan, else of the first configuration.\n\n"
               "| network | type | graph | sm_80: fewest | plans | MiB | sm_90: fewest | plans | MiB |\n"
               "|---|---|---|---|---|---|---|---|---|\n";
  for (const auto& [row, by_device] : sums) {
    const auto& [model, type, kind] = row;
    table.text += "| " + model + " | " + dtype_name(type) + " | " + kind;
    for (const auto& [device, sum] : by_device) table.text += " | " + cells(sum);
    table.text += " |\n";
  }
  return table;
}

Table engine_sample() {
  Table table;
  ask_everything(table, {32});
  return table;
}

Table answer_table() {
  Table table;
  table.text = "# cuDNN " + cudnn_version() +
               ": question, sm_80, sm_90. Renewed by: deviceless answers FILE --write\n";
  std::vector<cuda::Device> descriptors;
  for (const DescribedDevice& device : described_devices())
    descriptors.push_back(cuda::device_described(device.json));
  for (const Question& question : questions()) {
    table.text += question.name;
    for (const cuda::Device& device : descriptors) table.text += "\t" + question.ask(device);
    table.text += "\n";
    ++table.asked;
  }
  return table;
}

}  // namespace thaw::deviceless
