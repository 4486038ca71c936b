// Checkpoints (FORMATS 1.4 S12, S13; 3.4 R02 to R04): whole or not at all, and no bit unnoticed.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "io/file/atomic.h"
#include "io/file/sha256.h"
#include "io/weights/checkpoint.h"
#include "io/weights/safetensors.h"
#include "tests/io/pth/writer_files.h"
#include "tests/io/pth/writer_pth.h"

using namespace writer;

namespace {

thaw::StateDict small_state() {
  thaw::StateDict tensors;
  tensors.add("w", thaw::from_contiguous(std::vector<float>{1, 2, 3, 4}, {1, 2, 1, 2}));
  thaw::Tensor moments = thaw::Tensor::zeros_host({2}, thaw::DType::f64);
  moments.as<double>()[1] = 0.1;
  tensors.add("moments", moments);
  return tensors;
}

// Quotes, escapes and the checksum's own key inside the text must not confuse the reader.
const std::string json = R"({"epoch":3,"class":"a\"b\\","thaw_sha256":"0000","ü":"\u0000"})";

thaw::Checkpoint parse(const std::string& bytes) {
  return thaw::read_checkpoint(thaw::as_byte_span(bytes), "c");
}

// Lowers the largest file size this process may write; writes beyond fail with EFBIG.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit lower = {bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &lower);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_ = {};
  void (*handler_)(int) = nullptr;
};

}  // namespace

TEST_CASE("sha256: the standard's examples") {
  const auto hex = [](const std::string& text, std::size_t piece) {
    thaw::Sha256 hash;
    for (std::size_t i = 0; i < text.size(); i += piece)
      hash.update(thaw::as_byte_span(text).subspan(i, std::min(piece, text.size() - i)));
    return hash.hex();
  };
  CHECK(hex("", 1) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hex("abc", 2) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  for (const std::size_t piece : {1u, 63u, 64u, 65u, 1000u})
    CHECK(hex(std::string(1'000'000, 'a'), piece) ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("checkpoint: reads back what was written, byte for byte") {
  const Folder folder;
  const std::string path = folder / "last.safetensors";
  thaw::write_checkpoint(path, small_state(), json);
  const std::string first = load(path);
  thaw::write_checkpoint(path, small_state(), json);
  CHECK(load(path) == first);
  CHECK(folder.count() == 1);
  const thaw::Checkpoint back = thaw::read_checkpoint(path);
  CHECK(back.json == json);
  CHECK(thaw::to_contiguous(back.tensors.at("w")) == std::vector<float>{1, 2, 3, 4});
  CHECK(back.tensors.at("moments").dtype() == thaw::DType::f64);
  CHECK(back.tensors.at("moments").as<double>()[1] == 0.1);
}

TEST_CASE("checkpoint: every cut and every flipped bit is noticed (R02)") {
  const Folder folder;
  thaw::write_checkpoint(folder / "c", small_state(), json);
  const std::string whole = load(folder / "c");
  for (std::size_t n = 0; n < whole.size(); ++n) {
    CAPTURE(n);
    CHECK(refusal([&] { parse(whole.substr(0, n)); }) != "(accepted)");
  }
  for (std::size_t i = 0; i < whole.size() * 8; ++i) {
    std::string bytes = whole;
    bytes[i / 8] = static_cast<char>(bytes[i / 8] ^ (1 << (i % 8)));
    CAPTURE(i);
    CHECK(refusal([&] { parse(bytes); }) != "(accepted)");
  }
}

TEST_CASE("checkpoint: a safetensors file of others is none") {
  const std::string bytes = thaw::safetensors_bytes(small_state(), {{"format", "pt"}});
  CHECK(refusal([&] { parse(bytes); }).find("no checkpoint Thaw wrote") != std::string::npos);
  const std::string unsealed = thaw::safetensors_bytes(small_state(), {{"thaw", "{}"}});
  CHECK(refusal([&] { parse(unsealed); }).find("no checksum") != std::string::npos);
}

TEST_CASE("atomic file: a write that fails leaves the old file (S12, R03, R04)") {
  const Folder folder;
  const std::string path = folder / "state";
  thaw::write_file_atomically(path, "old");
  {
    const FileSizeLimit limit(1000);
    const std::string message = refusal([&] { thaw::write_file_atomically(path, std::string(5000, 'x')); });
    CHECK(message.find("cannot write") != std::string::npos);
  }
  CHECK(load(path) == "old");
  CHECK(folder.count() == 1);
  thaw::write_file_atomically(path, std::string(100'000, 'n'));
  CHECK(load(path) == std::string(100'000, 'n'));
  const std::string missing = refusal([&] { thaw::write_file_atomically(folder / "no/such/state", "x"); });
  CHECK(missing.find("the folder must exist") != std::string::npos);
  std::filesystem::create_directory(folder / "taken");
  CHECK(refusal([&] { thaw::write_file_atomically(folder / "taken", "x"); }).find("not a regular file") !=
        std::string::npos);
  CHECK(refusal([&] { thaw::write_file_atomically("/dev/full", "x"); }).find("not a regular file") !=
        std::string::npos);
  CHECK(folder.count() == 2);
}

TEST_CASE("atomic file: a folder that cannot be written (R04)") {
  if (::geteuid() == 0) {
    std::printf("not run: read-only folder (root may write everywhere)\n");
    return;
  }
  const Folder folder;
  std::filesystem::create_directory(folder / "closed");
  ::chmod((folder / "closed").c_str(), 0500);
  CHECK(refusal([&] { thaw::write_file_atomically(folder / "closed/state", "x"); }).find("cannot create") !=
        std::string::npos);
}

TEST_CASE("atomic file: pieces lie one behind another; writing over the file that was read") {
  const Folder folder;
  const std::string path = folder / "c";
  const std::string_view pieces[] = {"one", "", "two"};
  thaw::write_file_atomically(path, pieces);
  CHECK(load(path) == "onetwo");
  thaw::write_checkpoint(path, small_state(), json);
  const thaw::Checkpoint first = thaw::read_checkpoint(path);
  thaw::write_checkpoint(path, first.tensors, first.json);
  CHECK(thaw::to_contiguous(thaw::read_checkpoint(path).tensors.at("w")) == std::vector<float>{1, 2, 3, 4});
}
