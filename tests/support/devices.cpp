#include "tests/support/devices.h"

#include <cstdlib>

namespace thaw::test {
namespace {

struct Found {
  std::vector<std::shared_ptr<Backend>> backends;
  std::vector<std::string> missing;
};

// THAW_TEST_BACKEND names the one backend that is asked, where the others run in another test.
bool wanted(const std::string& name) {
  const char* only = std::getenv("THAW_TEST_BACKEND");
  return only == nullptr || name == only;
}

Found find_backends() {
  Found found;
  if (wanted("reference")) found.backends.push_back(make_reference_backend());
  if (wanted("cpu")) {
    try {
      found.backends.push_back(make_cpu_backend(0));
    } catch (const Error& error) {
      found.missing.push_back(std::string("cpu: not run: ") + error.what());
    }
  }
  if (wanted("cuda")) {
    std::string reason;
    if (cuda_available(&reason)) {
      // The same engines in every run, and no time spent on trying them at hundreds of shapes.
      found.backends.push_back(make_cuda_backend({.cudnn_benchmark = false}));
    } else {
      found.missing.push_back("cuda: not run: " + reason);
    }
  }
  if (found.backends.empty()) throw Error("no backend answers; mend or unset THAW_TEST_BACKEND");
  return found;
}

const Found& found() {
  static const Found once = find_backends();
  return once;
}

}  // namespace

const std::vector<std::shared_ptr<Backend>>& backends() {
  return found().backends;
}

Backend* backend_named(const std::string& name) {
  for (const auto& backend : backends())
    if (backend->name() == name) return backend.get();
  return nullptr;
}

std::string host_device() {
  return backend_named("cpu") != nullptr ? "cpu" : "reference";
}

std::vector<std::string> missing_backends() {
  std::vector<std::string> lines = found().missing;
  for (const auto& backend : backends()) {
    if (!backend->supports(DType::bf16)) lines.push_back(backend->name() + " bf16: not run: no support here");
  }
  return lines;
}

std::vector<Device> devices() {
  std::vector<Device> all;
  for (const auto& backend : backends()) {
    for (const DType type : {DType::f32, DType::bf16}) {
      if (backend->supports(type)) all.push_back({*backend, type});
    }
  }
  return all;
}

}  // namespace thaw::test
