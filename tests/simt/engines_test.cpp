// Which of the engines that cuDNN offers runs a convolution: limits and the tuner's choice.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>

#include "kernels/backend.h"
#include "kernels/cuda/conv2d.h"
#include "kernels/cuda/linear.h"
#include "tests/simt/engines.h"

namespace thaw::simt_test {
namespace {

TEST_CASE("f32 takes tensor cores only where TF32 is asked for, and inputs of a lower type never") {
  const Offer offer({{.number = 1, .notes = {down_convert}},
                     {.number = 2, .notes = {down_convert, tensor_core}},
                     {.number = 3, .notes = {tensor_core}},
                     {.number = 4}});
  CHECK(engines_of<float>(first_proposal) == Integers{4});
  CHECK(engines_of<float>({.tf32 = true, .cudnn_benchmark = false}) == Integers{3});
  CHECK(engines_of<bf16>(first_proposal) == Integers{1});
  // The tuner's choice is among them too: all but the last are the faster ones here.
  const Offer faster({{.number = 1, .notes = {down_convert}, .milliseconds = 1},
                      {.number = 3, .notes = {tensor_core}, .milliseconds = 2},
                      {.number = 4, .milliseconds = 4},
                      {.number = 5, .milliseconds = 3}});
  CHECK(last_of(engines_of<float>({})) == 5);
  CHECK(last_of(engines_of<float>({.tf32 = true})) == 3);
}

TEST_CASE("engines whose sums differ from run to run are never taken") {
  const Offer offer({{.number = 1, .notes = {nondeterministic}},
                     {.number = 2, .notes = {tensor_core, nondeterministic}},
                     {.number = 3, .milliseconds = 9}});
  for (const bool tf32 : {false, true})
    for (const bool benchmark : {false, true}) {
      const BackendOptions options{.tf32 = tf32, .cudnn_benchmark = benchmark};
      for (const Integers& engines : {engines_of<float>(options), engines_of<bf16>(options)})
        CHECK(engines == Integers{3});
    }
}

TEST_CASE("no engine but those on tensor cores: an f32 convolution says what would help") {
  const Offer offer(std::vector<Engine>{{.number = 1, .notes = {tensor_core}}});
  CHECK_THROWS_WITH_AS(engines_of<float>({}),
                       "conv2d_forward: cuDNN has no engine for it on this device without tensor cores; "
                       "allow TF32 or use bf16",
                       Error);
  CHECK(engines_of<float>({.tf32 = true}) == Integers{1});
}

// The largest difference of the products of f32 inputs from those in double, over the largest product.
double distance_of_product(bool tf32) {
  const TestQueue q;
  const auto x = random_values<float>(5 * 64, 1), w = random_values<float>(3 * 64, 2);
  const DeviceArray<float> dev_x(q, x), dev_w(q, w), dev_y(q, 15);
  cuda::Pool pool(q.queue, cuda::pool_policy());
  cuda::Linear linear(q.queue, pool, tf32);
  linear.run(LinearForward{.x = view_of(dev_x, 5, 1, 1, 64, 64),
                           .weight = {dev_w.data(), DType::f32},
                           .y = view_of(dev_y, 5, 1, 1, 3, 3)});
  const auto y = dev_y.host();
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < 15; ++i) {
    double sum = 0;
    for (std::size_t k = 0; k < 64; ++k) sum += double(x[i / 3 * 64 + k]) * w[i % 3 * 64 + k];
    worst = std::max(worst, std::abs(sum - y[i]));
    largest = std::max(largest, std::abs(sum));
  }
  CHECK(::simt::take_fault() == "");
  return worst / largest;
}

TEST_CASE("matrix products round their inputs to TF32 only where it is asked for") {
  CHECK(distance_of_product(false) < 1e-6);  // the rounding of a float sum of 64 products
  const double rounded = distance_of_product(true);
  CHECK(rounded > 1e-5);
  CHECK(rounded < 2e-3);  // 2^-11 of each input, before what averages out
}

// One row for a product whose x lies at `pitch`.
void forward_at_pitch(const TestQueue& q, cuda::Linear& linear, std::int64_t pitch) {
  const auto x = random_values<bf16>(static_cast<std::size_t>(5 * pitch), 1),
             w = random_values<bf16>(3 * 64, 2);
  const DeviceArray<bf16> dev_x(q, x), dev_w(q, w);
  const DeviceArray<float> dev_y(q, 15);
  linear.run(LinearForward{.x = view_of(dev_x, 5, 1, 1, 64, pitch),
                           .weight = {dev_w.data(), DType::bf16},
                           .y = view_of(dev_y, 5, 1, 1, 3, 3)});
  const auto y = dev_y.host();
  for (std::size_t i = 0; i < 15; ++i) {
    double sum = 0;
    for (std::size_t k = 0; k < 64; ++k)
      sum += double(float(x[i / 3 * static_cast<std::size_t>(pitch) + k])) * float(w[i % 3 * 64 + k]);
    CHECK(std::abs(sum - y[i]) < 1e-4);
  }
}

TEST_CASE("products whose rows are aligned otherwise have algorithms of their own") {
  const TestQueue q;
  cuda::Pool pool(q.queue, cuda::pool_policy());
  cuda::Linear linear(q.queue, pool);
  forward_at_pitch(q, linear, 64);
  forward_at_pitch(q, linear, 65);
  CHECK(linear.plans() == 2);
  CHECK(::simt::take_fault() == "");
}

TEST_CASE("the fastest engine that compiles and runs is taken") {
  const Offer offer({{.number = 1, .milliseconds = 5},
                     {.number = 2, .milliseconds = 1, .compiles = false},
                     {.number = 3, .milliseconds = 1, .executes = false},
                     {.number = 4, .milliseconds = 3},
                     {.number = 5, .milliseconds = 4}});
  const Integers engines = engines_of<float>({});
  CHECK(last_of(engines) == 4);
  CHECK(std::count(engines.begin(), engines.end(), 2) == 0);
  CHECK(std::count(engines.begin(), engines.end(), 3) == 1);
  // cuDNN's fallbacks repeat its proposals; each is timed once: a run that warms up and three.
  CHECK(std::count(engines.begin(), engines.end(), 1) == 4);
  CHECK(std::count(engines.begin(), engines.end(), 4) == 5);
  CHECK(engines_of<float>(first_proposal) == Integers{1});
}

TEST_CASE("engines differ in their knobs too, and one that wants over a 32nd of the memory is not timed") {
  std::size_t available = 0, total = 0;
  cuda::check(cudaMemGetInfo(&available, &total), "memory");
  const auto most = static_cast<std::int64_t>(total / 32);
  const File file;
  const Offer offer({{.number = 1, .tile = 1, .milliseconds = 5},
                     {.number = 1, .tile = 2, .milliseconds = 2},
                     {.number = 2, .milliseconds = 1, .workspace_bytes = most + 1}});
  CHECK(engines_of<float>({}, file.open()).size() == 9);
  CHECK(file.text().find("\t1 2=2\n") != std::string::npos);
  ::simt::cudnn::set_engines({{.number = 1, .milliseconds = 5}, {.number = 2, .workspace_bytes = most}});
  CHECK(last_of(engines_of<float>({})) == 2);
}

TEST_CASE(
    "candidates compile at once and keep their order: eight of those that compile, of equals the first") {
  std::vector<Engine> engines;
  for (int i = 1; i <= 12; ++i) engines.push_back({.number = i, .compiles = i != 2 && i != 4, .says = "no"});
  const Offer offer(engines);
  for (int run = 0; run < 3; ++run) {
    ::simt::cudnn::compile_together(2);
    Integers ran = engines_of<float>({});
    CHECK(last_of(ran) == 1);
    ran.erase(std::unique(ran.begin(), ran.end()), ran.end());
    CHECK(ran == Integers{1, 3, 5, 6, 7, 8, 9, 10, 1});
  }
  ::simt::cudnn::compile_together(0);
}

TEST_CASE("an engine whose plan cuDNN refuses to make without its handle gets the handle") {
  const Offer offer(
      {{.number = 1, .needs_handle = true, .says = "no handle"}, {.number = 2, .milliseconds = 5}});
  CHECK(engines_of<float>(first_proposal) == Integers{1});
  CHECK(last_of(engines_of<float>({})) == 1);
}

// What a convolution says that has no engine.
std::string said(const BackendOptions& options) {
  try {
    engines_of<bf16>(options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("what cuDNN said last is in the message, whether a plan does not compile or does not run") {
  for (const BackendOptions& options : {BackendOptions{}, first_proposal}) {
    CAPTURE(options.cudnn_benchmark);
    const Offer compile({{.number = 1, .compiles = false, .says = "first"},
                         {.number = 2, .compiles = false, .says = "libnvrtc.so.13 cannot be opened"}});
    CHECK(said(options) ==
          "conv2d_forward: cuDNN has no engine for it on this device; cuDNN says: engine 2 2=0: "
          "CUDNN_STATUS_INTERNAL_ERROR_COMPILATION_FAILED: libnvrtc.so.13 cannot be opened");
    ::simt::cudnn::set_engines({{.number = 7, .needs_handle = true, .says = "nothing helps"}});
    CHECK(said(options) == "");  // the handle does
    ::simt::cudnn::set_engines({{.number = 7, .executes = false, .says = "the driver is too old"}});
    CHECK(said(options) == "cudnn: conv2d_forward: CUDNN_STATUS_NOT_SUPPORTED: the driver is too old");
  }
}

TEST_CASE("graphs with sums have no engine where results must repeat, and some are refused outright") {
  const Offer offer(std::vector<Engine>{{.number = 1}});
  cudnnHandle_t handle = nullptr;
  cuda::check(cudnnCreate(&handle), "starting the fake");
  const cuda::Device device = cuda::device_of(handle);
  Conv2dSpec spec{.in = 8, .out = 4, .kernel_h = 3, .kernel_w = 3};
  spec.padding = 1;
  ConstView x, y;
  x.n = y.n = 2;
  x.h = x.w = y.h = y.w = 6;
  x.c = x.pitch = 8;
  y.c = y.pitch = 4;
  const auto gradient_with = [&](int sums, std::int64_t stride) {
    spec.stride = stride;
    y.h = y.w = spec.out_h(6);
    cuda::GraphBuilder builder;
    const cuda::GraphTensor dx = cuda::graph_tensor(1, x);
    builder.convolution(cuda::ConvolutionKind::data_gradient, spec, dx,
                        cuda::graph_weights(2, spec, DType::f32), cuda::graph_tensor(3, y));
    for (int i = 0; i < sums; ++i) builder.sum(dx, cuda::graph_bias(4 + i, 8));
    return builder.finish();
  };
  std::string why;
  CHECK(cuda::engine_configurations(gradient_with(0, 1), device, {}, &why).size() == 2);
  CHECK(why == "");
  CHECK(cuda::engine_configurations(gradient_with(1, 1), device, {.deterministic = false}).size() == 2);
  CHECK(cuda::engine_configurations(gradient_with(1, 1), device, {}, &why).empty());
  CHECK(why == "sums within a graph are added with atomics, in another order in every run");
  CHECK_NOTHROW(gradient_with(1, 2));
  CHECK_NOTHROW(gradient_with(2, 1));
  CHECK_THROWS_WITH_AS(
      gradient_with(2, 2),
      "cudnn: no engine compiles a strided data gradient with 2 sums; take the sums in a pass of "
      "their own",
      Error);
  cudnnDestroy(handle);
}

TEST_CASE("each of the engines that cuDNN proposes can be run by its number") {
  const Offer offer({{.number = 1},
                     {.number = 2, .notes = {nondeterministic}},
                     {.number = 3, .compiles = false, .says = "no"},
                     {.number = 4}});
  const auto engine = [](std::size_t number) { return engines_of<bf16>({.cudnn_engine = number}); };
  CHECK(engine(0) == Integers{1});
  CHECK(engine(2) == Integers{4});
  CHECK_THROWS_AS(engine(1), NoSuchEngine);
  for (const std::size_t number : {1, 3}) try {
      engine(number);
    } catch (const NoSuchEngine& error) {
      CHECK(error.beyond == (number == 3));
    }
}

TEST_CASE("without memory for any workspace nothing is timed, and the error is that of the convolution") {
  const Offer offer({{.number = 1, .milliseconds = 5}, {.number = 2, .milliseconds = 1}});
  const TestQueue q;
  const DeviceArray<float> x(q, 2 * 7 * 7 * 4), w(q, 8 * 9 * 4), y(q, 2 * 7 * 7 * 8);
  cuda::Pool pool(q.queue, cuda::pool_policy());
  const File file;
  cuda::Convolutions convolutions(q.queue, pool, {}, file.open());
  Conv2dSpec spec{.in = 4, .out = 8, .kernel_h = 3, .kernel_w = 3};
  spec.padding = 1;
  const auto run = [&] {
    convolutions.run(Conv2dForward{.spec = spec,
                                   .x = view_of(x, 2, 7, 7, 4, 4),
                                   .weight = {w.data(), DType::f32},
                                   .y = view_of(y, 2, 7, 7, 8, 8)});
  };
  ::simt::cudnn::take_executed();
  ::simt::fail_allocation_after(0, 2);  // the pool tries twice
  run();
  CHECK(::simt::cudnn::take_executed() == Integers{1});
  CHECK(file.text() == "");
}

TEST_CASE("a step that is recorded times nothing") {
  const Offer offer({{.number = 1, .milliseconds = 5}, {.number = 2, .milliseconds = 1}});
  const TestQueue q;
  const DeviceArray<float> x(q, random_values<float>(2 * 7 * 7 * 4, 1)), w(q, random_values<float>(288, 2)),
      y(q, 2 * 7 * 7 * 8);
  cuda::Pool pool(q.queue, cuda::pool_policy());
  cuda::Convolutions convolutions(q.queue, pool);
  Conv2dSpec spec{.in = 4, .out = 8, .kernel_h = 3, .kernel_w = 3};
  spec.padding = 1;
  ::simt::cudnn::take_executed();
  const int recording = pool.begin_recording();
  convolutions.run(Conv2dForward{.spec = spec,
                                 .x = view_of(x, 2, 7, 7, 4, 4),
                                 .weight = {w.data(), DType::f32},
                                 .y = view_of(y, 2, 7, 7, 8, 8)});
  pool.end_recording();
  CHECK(::simt::cudnn::take_executed() == Integers{1});
  q.wait();
  pool.release(recording);
}

TEST_CASE("the backend hands its options on, keeps its choices, and records steps with them") {
  const File file;
  const Variable cache("XDG_CACHE_HOME", file.path().c_str());
  const std::string path = file.path() + "/thaw/cudnn_plans.tsv";
  const Offer offer({{.number = 1, .milliseconds = 5},
                     {.number = 2, .milliseconds = 3},
                     {.number = 3, .notes = {tensor_core}, .milliseconds = 1}});
  Conv2dSpec spec{.in = 4, .out = 8, .kernel_h = 3, .kernel_w = 3};
  spec.padding = 1;
  const auto engines = [&](const BackendOptions& options, bool recorded) {
    const auto backend = make_cuda_backend(options);
    View x, y;
    x.n = y.n = 1;
    x.h = x.w = y.h = y.w = 5;
    x.c = x.pitch = 4;
    y.c = y.pitch = 8;
    const std::size_t bytes = 4096;
    void* memory = backend->allocate(3 * bytes);
    backend->zero(memory, 3 * bytes);
    x.data = memory;
    y.data = static_cast<char*>(memory) + bytes;
    const Weights weight{static_cast<char*>(memory) + 2 * bytes, DType::f32};
    const auto step = [&] { (*backend)(Conv2dForward{.spec = spec, .x = x, .weight = weight, .y = y}); };
    ::simt::cudnn::take_executed();
    step();
    if (recorded) {
      ::simt::cudnn::take_executed();
      backend->record(step);
    }
    backend->deallocate(memory, 3 * bytes);
    return ::simt::cudnn::take_executed();
  };
  CHECK(engines(first_proposal, false) == Integers{1});
  CHECK_FALSE(fs::exists(path));
  CHECK(engines({}, true) == Integers{2});
  CHECK(fs::exists(path));
  CHECK(engines({}, false) == Integers{2});
  CHECK(engines({.tf32 = true}, true) == Integers{3});
  CHECK(::simt::take_fault() == "");
  std::string line;
  std::getline(std::ifstream(path), line);
  CHECK(line.find("emulator") != std::string::npos);
  CHECK(line.find("cuDNN " + std::to_string(CUDNN_MAJOR) + ".") != std::string::npos);
}

}  // namespace
}  // namespace thaw::simt_test
