// FORMATS 1.4, rows Z02, Z03, K01 to K03, K09: what a file is, wrappers, prefixes, promised hashes; and files
// of others.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "io/file/sha256.h"
#include "io/weights/checkpoint.h"
#include "io/weights/weights.h"
#include "tests/io/pth/writer_files.h"
#include "tests/io/pth/writer_pth.h"

using namespace writer;

namespace {

bool says(const std::string& message, const std::string& part) {
  CAPTURE(message);
  CAPTURE(part);
  CHECK(message.find(part) != std::string::npos);
  return message.find(part) != std::string::npos;
}

std::string refusal_of(const std::string& path) {
  return refusal([&] { thaw::read_weights(path); });
}

thaw::LoadedWeights weights_of(const std::string& body, const thaw::ReadOptions& options = {}) {
  const Folder folder;
  save(folder / "file.pth", pth(body));
  return thaw::read_weights(folder / "file.pth", options);
}

const std::string inner = ordered_dict({{text("conv.weight"), tensor({})}});

}  // namespace

TEST_CASE("weights: what is no readable file (Z02)") {
  const Folder folder;
  says(refusal_of(folder / "none.pth"), "No such file");
  save(folder / "empty.pth", "");
  says(refusal_of(folder / "empty.pth"), "is empty");
  save(folder / "one.pth", "x");
  says(refusal_of(folder / "one.pth"), "not a checkpoint Thaw knows");
  std::filesystem::create_directory(folder / "dir.pth");
  says(refusal_of(folder / "dir.pth"), "is a directory");
  REQUIRE(::mkfifo((folder / "fifo.pth").c_str(), 0600) == 0);
  says(refusal_of(folder / "fifo.pth"), "not a regular file");
  std::filesystem::create_symlink(folder / "gone", folder / "link.pth");
  says(refusal_of(folder / "link.pth"), "No such file");
  save(folder / "closed.pth", "x");
  ::chmod((folder / "closed.pth").c_str(), 0);
  if (::geteuid() == 0)
    std::printf("not run: a file without read permission (root may read everything)\n");
  else
    says(refusal_of(folder / "closed.pth"), "Permission denied");
}

TEST_CASE("weights: what is another kind of file (Z03)") {
  const Folder folder;
  const auto refused_as = [&](const std::string& bytes, const std::string& part) {
    save(folder / "w.pth", bytes);
    says(refusal_of(folder / "w.pth"), part);
  };
  refused_as("version https://git-lfs.github.com/spec/v1\noid sha256:5c106cde\nsize 46827520\n",
             "Git LFS pointer");
  refused_as("\n <!DOCTYPE html><html><body>Not found</body></html>", "HTML page");
  refused_as("<HTML>404</HTML>", "HTML page");
  refused_as(std::string("\x1f\x8b\x08") + std::string(30, 'x'), "gzip");
  refused_as("\x89HDF\r\n\x1a\n", "HDF5");
  refused_as("hello \x1b[2J world", "\\x1b[2J");
  refused_as(zip({{{"a.npy", "x"}}, "", "", ""}), "no PyTorch file");
}

TEST_CASE("weights: wrappers are opened and reported (K01, K03)") {
  for (const char* key : {"state_dict", "model", "model_state_dict", "net", "state_dict_ema", "model_ema"}) {
    const thaw::LoadedWeights weights = weights_of(dict({{text("epoch"), integer(7)}, {text(key), inner}}));
    CHECK(weights.tensors.contains("conv.weight"));
    REQUIRE(!weights.notes.empty());
    says(weights.notes[0], std::string("took the weights under '") + key + "'");
  }
  TensorForm other;
  other.size = {4};
  other.stride = {1};
  const std::string both = dict({{text("model_ema"), ordered_dict({{text("conv.weight"), tensor(other)}})},
                                 {text("state_dict"), inner},
                                 {text("optimizer"), dict({{integer(0), tensor({})}})}});
  CHECK(weights_of(both).tensors.at("conv.weight").shape() == thaw::Shape{2, 2});
  says(weights_of(both).notes[0], "not those under 'model_ema'");
  thaw::ReadOptions averaged;
  averaged.prefer_ema = true;
  CHECK(weights_of(both, averaged).tensors.at("conv.weight").shape() == thaw::Shape{4});
  CHECK(weights_of(dict({{text("model"), dict({{text("state_dict"), inner}})}}))
            .tensors.contains("conv.weight"));
  says(refusal([&] {
         weights_of(dict({{text("state_dict"), dict({{text("encoder"), inner}})}}));
       }),
       "under 'encoder'");
  says(refusal([&] { weights_of(dict({{text("epoch"), integer(1)}})); }), "no tensors");
  says(refusal([&] { weights_of(dict({{text("model"), inner}, {text("model"), inner}})); }), "occurs twice");
}

TEST_CASE("weights: prefixes (K02)") {
  const auto named = [](const std::string& a, const std::string& b) {
    return weights_of(ordered_dict({{text(a), tensor({})}, {text(b), tensor({})}}));
  };
  const thaw::LoadedWeights all = named("module.a", "module.b");
  CHECK(all.tensors.contains("a"));
  CHECK(all.notes == std::vector<std::string>{"stripped 'module.' from all names"});
  const thaw::LoadedWeights some = named("module.a", "b");
  CHECK(some.tensors.contains("module.a"));
  says(some.notes.at(0), "only 1 of 2 names begin with 'module.'");
  CHECK(named("_orig_mod.module.a", "_orig_mod.module.b").tensors.contains("b"));
  CHECK(named("module._orig_mod.a", "module._orig_mod.b").tensors.contains("b"));
  CHECK(named("backbone.a", "backbone.b").tensors.contains("backbone.b"));
}

TEST_CASE("weights: the hash a file name promises (K09)") {
  const Folder folder;
  const std::string bytes = pth(inner);
  thaw::Sha256 hash;
  hash.update(thaw::as_byte_span(bytes));
  const std::string digits = hash.hex().substr(0, 8);
  save(folder / ("net-" + digits + ".pth"), bytes);
  CHECK(thaw::read_weights(folder / ("net-" + digits + ".pth")).tensors.size() == 1);
  save(folder / "net-0badc0de.pth", bytes);
  says(refusal_of(folder / "net-0badc0de.pth"), "promises SHA-256 0badc0de");
  thaw::ReadOptions unchecked;
  unchecked.check_name_hash = false;
  CHECK(thaw::read_weights(folder / "net-0badc0de.pth", unchecked).tensors.size() == 1);
  for (const char* name : {"net-20240131.pth", "net-best.pth", "net-abc.pth", "net.pth", "-.pth"}) {
    save(folder / name, bytes);
    CHECK(thaw::read_weights(folder / name).tensors.size() == 1);
  }
}

TEST_CASE("weights: formats are told by their content") {
  const Folder folder;
  const thaw::StateDict tensors = weights_of(inner).tensors;
  thaw::write_checkpoint(folder / "c.pth", tensors, "{\"epoch\":1}");
  const thaw::LoadedWeights checkpoint = thaw::read_weights(folder / "c.pth");
  CHECK(checkpoint.format == "thaw checkpoint");
  CHECK(checkpoint.metadata == "{\"epoch\":1}");
  thaw::write_pth(folder / "p.safetensors", tensors);
  CHECK(thaw::read_weights(folder / "p.safetensors").format == "pth (zip)");
}

TEST_CASE("weights: files PyTorch 1.13 wrote") {
  for (const char* name : {"pytorch_zip.pth", "pytorch_legacy.pth"}) {
    const thaw::LoadedWeights weights =
        thaw::read_weights(THAW_SOURCE_DIR "/tests/golden/" + std::string(name));
    CAPTURE(name);
    CHECK(weights.tensors.size() == 6);
    std::vector<float> values(24);
    for (std::size_t i = 0; i < 24; ++i) values[i] = static_cast<float>(i) / 8 - 1;
    CHECK(thaw::to_contiguous(weights.tensors.at("conv.weight")) == values);
    CHECK(thaw::to_contiguous(weights.tensors.at("conv.channels_last")) == values);
    CHECK(weights.tensors.at("conv.weight").shape() == thaw::Shape{2, 3, 2, 2});
    CHECK(thaw::to_contiguous(weights.tensors.at("fc.transposed")) ==
          std::vector<float>{-1, 0.5f, -0.875f, 0.625f});
    CHECK(thaw::to_contiguous(weights.tensors.at("fc.half")) == std::vector<float>{0.5f, -0.25f});
    CHECK(*weights.tensors.at("bn.num_batches_tracked").as<std::int64_t>() == 7);
  }
}

TEST_CASE("weights: files of others") {
  const char* root = std::getenv("THAW_DATA");
  const std::string folder =
      (root != nullptr ? std::string(root) : THAW_SOURCE_DIR "/../shared/data") + "/weights/";
  if (!std::filesystem::exists(folder)) {
    std::printf("not run: weight files of others (%s is not there; set THAW_DATA)\n", folder.c_str());
    return;
  }
  const std::vector<std::pair<const char*, std::size_t>> readable = {
      {"akamaster_resnet20-12fca82f.th", 97},
      {"akamaster_resnet32-d509ac18.th", 157},
      {"zlatasm_resnet20_ckpt.pth", 116},
      {"APoT_res20_32bit_model_best.pth.tar", 128},
      {"Ericsciencer_densenet_bc_100_12_cifar10.pth", 601},
      {"richzhang_lpips_v0.1_alex.pth", 5},
      {"CoffeeVampir3_fc.safetensors", 4}};
  for (const auto& [name, count] : readable) {
    CAPTURE(name);
    CHECK(thaw::read_weights(folder + name).tensors.size() == count);
  }
  says(refusal_of(folder + "Zhuyuze_densenet_aptos5_fullmodel.pt"), "save model.state_dict()");
  says(refusal_of(folder + "douzai_torchscript_fp32.pt"), "TorchScript");
  says(refusal_of(folder + "lfs_pointer_resnet18-5c106cde.pth"), "Git LFS pointer");
}
