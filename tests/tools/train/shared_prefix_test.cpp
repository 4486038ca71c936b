// Which features are taken over, which are continued, which are computed anew.
#include "tools/train/shared_prefix.h"

#include <doctest/doctest.h>

#include <cstring>

#include "io/data/dataset.h"
#include "models/freeze/plan.h"
#include "models/freeze/receipt.h"
#include "models/registry.h"
#include "models/weights/initialize.h"
#include "tests/tools/programs.h"
#include "tools/network/model_description.h"

namespace thaw::testing {
namespace {

struct Subject {
  TempFolder folder;
  std::unique_ptr<Backend> backend = make_backend("auto");
  std::unique_ptr<Network> network;
  ParameterArenas arenas;
  Preprocess preprocess;
  DatasetSplits splits;
  std::string identity = "these";
  bool stop = false;

  Subject() {
    make_pictures(folder.file("data"), 3, 2);
    splits = scan_class_folders(folder.file("data"));
    open(1);
    preprocess = default_preprocess(*network);
    preprocess.input_size = 16;
  }

  // Another run's network: all of it from `seed`.
  void open(std::uint64_t seed) {
    network = make_network("resnet20", {.num_classes = 2});
    initialize(*network, seed);
    apply_freeze_plan(*network, "backbone");
    network->to(*backend);
    arenas = ParameterArenas(*backend, network->parameters(), DType::f32);
  }

  std::size_t stages(const std::string& last) const { return network->stage_index(last) + 1; }

  // What was done: "" (shared) or what the features come from.
  std::string get(SharedPrefix& shared, const std::string& last, PrefixUse* use = nullptr) {
    const ImageInput input(*backend, preprocess, DType::f32);
    LoaderOptions loading;
    loading.batch_size = 4;
    loading.workers = 0;
    PrefixUse done;
    features = shared.get({*network, input, splits, preprocess, loading, identity, [this] { return stop; }},
                          stages(last), done);
    if (use != nullptr) *use = done;
    return done.source;
  }

  std::uint64_t bits() const {
    std::string bits;
    for (const PrefixCache* cache : {&features->train, &*features->val})
      for (std::int64_t i = 0; i < 4; ++i) {
        const Tensor row = cache->batch({i});
        bits.append(row.as<char>(), row.bytes());
      }
    return hash_bytes(bits.data(), bits.size());
  }

  std::shared_ptr<const KeptPrefix> features;
};

TEST_CASE("shared features: continued ones have the bits of those from the pictures") {
  Subject s;
  SharedPrefix alone, shared;
  CHECK(s.get(alone, "avgpool") == "the pictures");
  const std::uint64_t expected = s.bits();
  CHECK(s.get(shared, "layer1") == "the pictures");
  CHECK(s.features->stages == s.stages("layer1"));
  CHECK(s.get(shared, "layer2") == "the output of layer1");
  CHECK(s.get(shared, "avgpool") == "the output of layer2");
  CHECK(s.bits() == expected);
  CHECK(s.get(shared, "avgpool").empty());
  CHECK(s.bits() == expected);
}

TEST_CASE("shared features: only what has the same bits before it is shared") {
  Subject s;
  SharedPrefix shared;
  CHECK(s.get(shared, "layer2") == "the pictures");
  // The head and what lies behind the cut may differ.
  s.network->stages()[s.stages("layer2")].module->parameters()[0]->value.as<float>()[0] += 1;
  CHECK(s.get(shared, "layer2").empty());
  const std::uint64_t before = s.bits();
  SUBCASE("other pictures or another preparation") {
    s.identity = "those";
    CHECK(s.get(shared, "layer2") == "the pictures");
  }
  SUBCASE("one other bit in a running mean") {
    s.network->stages()[1].module->buffers()[0]->value.as<std::uint32_t>()[0] ^= 1;
    CHECK(s.get(shared, "avgpool") == "the pictures");
  }
  SUBCASE("other weights") {
    s.open(2);
    CHECK(s.get(shared, "layer2") == "the pictures");
    CHECK(s.bits() != before);
  }
  SUBCASE("fewer stages") {
    CHECK(s.get(shared, "layer1") == "the pictures");
  }
  SUBCASE("what a signal left unfinished is not kept") {
    s.stop = true;
    s.get(shared, "layer3");
    CHECK(s.features == nullptr);
    s.stop = false;
    CHECK(s.get(shared, "layer3") == "the pictures");
  }
}

TEST_CASE(
    "shared features: where two cuts do not fit beside each other the first is dropped, and it is said") {
  Subject s;
  // 10 samples, f32: layer1 16 x 16 x 16, layer2 32 x 8 x 8.
  const std::size_t layer1 = 10 * 16 * 16 * 16 * 4, layer2 = 10 * 32 * 8 * 8 * 4;
  PrefixUse use;
  SharedPrefix just(layer1 + layer2);
  s.get(just, "layer1", &use);
  CHECK(use.bytes == layer1);
  CHECK(s.get(just, "layer2", &use) == "the output of layer1");
  CHECK(use.note.empty());
  CHECK(use.bytes == layer2);
  const std::uint64_t expected = s.bits();

  SharedPrefix little(layer1 + layer2 - 1);
  s.get(little, "layer1");
  CHECK(s.get(little, "layer2", &use) == "the pictures");
  CHECK(
      use.text().find("the output of layer1 is dropped, not continued: --cache-features: the features of") !=
      std::string::npos);
  CHECK(s.bits() == expected);

  SharedPrefix less(layer1 - 1);
  CHECK_THROWS_AS(s.get(less, "layer1"), FeaturesTooLarge);
}

}  // namespace
}  // namespace thaw::testing
