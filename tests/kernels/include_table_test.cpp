// The table of which folder may include which (docs/architecture.md), and the order of the sub-folders.
// Headers of CUDA and cuDNN stay inside kernels/cuda, oneDNN's inside kernels/cpu; tests may include
// everything.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace thaw::test {
namespace {

using Names = std::set<std::string>;

// What a folder may include besides itself: folders, or single headers. The single ones of kernels/ know no
// device: the exception type, the element types, the random numbers.
const std::map<std::string, Names>& allowed() {
  static const std::map<std::string, Names> table{
      {"kernels", {}},
      {"tensor", {"kernels"}},
      {"layers", {"tensor", "kernels"}},
      {"models", {"layers", "tensor", "kernels/error.h", "kernels/philox.h"}},
      {"optim", {"tensor", "kernels"}},
      {"io", {"tensor", "kernels/error.h", "kernels/dtype.h", "kernels/philox.h"}},
      {"tools", {"kernels", "tensor", "layers", "models", "optim", "io"}},
  };
  return table;
}

// The rooms of a folder in their order: each may include itself and those of earlier lines. "": the files
// beside the sub-folders.
const std::map<std::string, std::vector<Names>>& order() {
  static const std::map<std::string, std::vector<Names>> rooms{
      {"models", {{""}, {"freeze", "weights"}}},
      {"io", {{"file"}, {"picture", "pth"}, {"data", "weights"}}},
      {"tools",
       {{"program"},
        {"network"},
        {"cost"},
        {"evaluate"},
        {"report"},
        {"train"},
        {"compare", "bench", "predict", "make_shapes"},
        {""}}},
  };
  return rooms;
}

// "io/pth/tensor.h" -> "pth", "tools/train.cpp" -> "".
std::string room_of(const std::string& path) {
  const std::size_t from = path.find('/') + 1, to = path.find('/', from);
  return to == std::string::npos ? "" : path.substr(from, to - from);
}

// Why the room of `file` may not include `header`, of the same folder; empty: it may.
std::string objection_of_order(const std::string& folder, const std::string& file,
                               const std::string& header) {
  if (order().count(folder) == 0) return "";
  const std::string here = room_of(file), there = room_of(header);
  bool reached = here == there;
  for (const Names& line : order().at(folder)) {
    if (line.count(here) != 0)
      return reached ? "" : folder + "/" + here + " may not include " + folder + "/" + there;
    reached = reached || line.count(there) != 0;
  }
  return folder + "/" + here + " has no place in the order of " + folder;
}

bool begins(const std::string& text, const std::string& with) {
  return text.rfind(with, 0) == 0;
}

// Why `file` (a path from the root) may not include `header`; empty: it may.
std::string objection(const std::string& file, const std::string& header) {
  const bool own = header.find('/') != std::string::npos &&
                   (allowed().count(header.substr(0, header.find('/'))) != 0 || begins(header, "tests/"));
  if (begins(header, "kernels/cuda/") && !begins(file, "kernels/cuda/")) return "the inside of kernels/cuda";
  if (begins(header, "kernels/cpu/") && !begins(file, "kernels/cpu/")) return "the inside of kernels/cpu";
  if (!own) {
    if (!begins(file, "kernels/cuda/")) {
      for (const char* vendor :
           {"cuda", "cudnn", "cublas", "curand", "nvml", "nvtx", "nvrtc", "cub/", "thrust/"}) {
        if (begins(header, vendor)) return "a CUDA header";
      }
    }
    if (!begins(file, "kernels/cpu/") && (begins(header, "dnnl") || begins(header, "oneapi/")))
      return "a oneDNN header";
    return "";
  }
  const std::string from = file.substr(0, file.find('/')), to = header.substr(0, header.find('/'));
  if (from == to) return objection_of_order(from, file, header);
  const Names& may = allowed().at(from);
  return may.count(to) != 0 || may.count(header) != 0 ? "" : from + " may not include " + to;
}

struct Include {
  std::string file, header;
  bool quoted;
};

std::vector<Include> includes() {
  namespace fs = std::filesystem;
  const fs::path root = THAW_SOURCE_DIR;
  std::vector<Include> found;
  for (const auto& [folder, may] : allowed()) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      static const Names endings{".h", ".cpp", ".cu", ".cuh"};
      if (endings.count(entry.path().extension().string()) == 0) continue;
      std::ifstream in(entry.path());
      for (std::string line; std::getline(in, line);) {
        const std::size_t open = line.find_first_of("<\"");
        std::string before = line.substr(0, open);
        before.erase(std::remove(before.begin(), before.end(), ' '), before.end());
        if (open == std::string::npos || before != "#include") continue;
        const std::string header = line.substr(open + 1, line.find_first_of(">\"", open + 1) - open - 1);
        found.push_back({fs::relative(entry.path(), root).generic_string(), header, line[open] == '"'});
      }
    }
  }
  return found;
}

}  // namespace

TEST_SUITE("kernels") {
  TEST_CASE("includes keep to the table of folders") {
    const std::vector<Include> all = includes();
    CHECK(all.size() > 100);
    for (const Include& i : all) {
      const std::string why = objection(i.file, i.header);
      CHECK_MESSAGE(why == "", i.file, " includes ", i.header, ": ", why);
    }
  }

  TEST_CASE("quoted includes are \"folder/file.h\" from the root") {
    for (const Include& i : includes()) {
      if (!i.quoted) continue;
      CHECK_MESSAGE(std::filesystem::exists(std::filesystem::path(THAW_SOURCE_DIR) / i.header), i.file,
                    " includes \"", i.header, "\"");
    }
  }

  TEST_CASE("the table of folders objects where it must") {
    CHECK(objection("kernels/backend.cpp", "tensor/tensor.h") != "");
    CHECK(objection("tensor/tensor.cpp", "layers/module.h") != "");
    CHECK(objection("layers/conv2d.cpp", "models/network.h") != "");
    CHECK(objection("models/resnet.cpp", "kernels/backend.h") != "");
    CHECK(objection("optim/sgd.cpp", "layers/module.h") != "");
    CHECK(objection("io/picture/image.cpp", "kernels/backend.h") != "");
    CHECK(objection("io/picture/image.cpp", "kernels/error.h") == "");
    CHECK(objection("io/picture/image.cpp", "models/network.h") != "");
    CHECK(objection("layers/module.h", "tests/support/values.h") != "");
    CHECK(objection("tools/train.cpp", "models/network.h") == "");
    CHECK(objection("tools/bench.cpp", "kernels/cpu/dnnl.h") != "");
    CHECK(objection("tools/bench.cpp", "cuda_runtime.h") != "");
    CHECK(objection("kernels/cuda/launch.h", "cuda_runtime.h") == "");
    CHECK(objection("kernels/cuda/conv2d.cpp", "cudnn_backend.h") == "");
    CHECK(objection("kernels/cpu/dnnl.h", "oneapi/dnnl/dnnl.hpp") == "");
    CHECK(objection("kernels/reference/ops.cpp", "oneapi/dnnl/dnnl.hpp") != "");
  }

  TEST_CASE("the order of sub-folders objects where it must") {
    CHECK(objection("models/registry.cpp", "models/network.h") == "");
    CHECK(objection("models/freeze/plan.cpp", "models/network.h") == "");
    CHECK(objection("models/freeze/plan.cpp", "models/freeze/plan.h") == "");
    CHECK(objection("models/freeze/plan.cpp", "models/weights/load.h") != "");
    CHECK(objection("models/network.cpp", "models/freeze/plan.h") != "");
    CHECK(objection("models/attic/plan.cpp", "models/network.h") != "");
    CHECK(objection("io/weights/weights.cpp", "io/pth/pth.h") == "");
    CHECK(objection("io/weights/weights.cpp", "io/data/dataset.h") != "");
    CHECK(objection("io/pth/pth.cpp", "io/picture/image.h") != "");
    CHECK(objection("io/picture/image.cpp", "io/data/dataset.h") != "");
    CHECK(objection("io/data/loader.cpp", "io/image.h") != "");
    CHECK(objection("tools/inspect.cpp", "tools/train/options.h") == "");
    CHECK(objection("tools/train/run.cpp", "tools/report/page.h") == "");
    CHECK(objection("tools/report/page.cpp", "tools/train/run.h") != "");
    CHECK(objection("tools/cost/picture_memory.cpp", "tools/evaluate/evaluate_model.h") != "");
    CHECK(objection("tools/program/frame.cpp", "tools/helper.h") != "");
  }

  TEST_CASE("the order names the sub-folders that are there") {
    std::map<std::string, Names> known, found;
    for (const auto& [folder, lines] : order())
      for (const Names& line : lines) known[folder].insert(line.begin(), line.end());
    for (const Include& i : includes()) {
      const std::string folder = i.file.substr(0, i.file.find('/'));
      if (order().count(folder) != 0) found[folder].insert(room_of(i.file));
    }
    for (const auto& [folder, rooms] : known) CHECK_MESSAGE(found[folder] == rooms, folder);
  }
}

}  // namespace thaw::test
