// Files Thaw writes for PyTorch, read back by its own strict reader.
#include <doctest/doctest.h>

#include "io/pth/zip_reader.h"
#include "tests/io/pth/writer_files.h"
#include "tests/io/pth/writer_pth.h"

using namespace writer;

namespace {

thaw::StateDict small_state() {
  thaw::StateDict tensors;
  tensors.add("b.weight", thaw::from_contiguous(std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8}, {1, 2, 2, 2}));
  tensors.add("a.bias", thaw::from_contiguous(std::vector<float>{9, 10}, {2}));
  thaw::Tensor counter = thaw::Tensor::empty_host({}, thaw::DType::i64);
  *counter.as<std::int64_t>() = std::int64_t{1} << 40;
  tensors.add("n", counter);
  tensors.add("empty", thaw::Tensor::empty_host({0, 3}));
  return tensors;
}

}  // namespace

TEST_CASE("pth writer: values, types, shapes and order come back") {
  const std::string bytes = thaw::pth_bytes(small_state());
  CHECK(bytes == thaw::pth_bytes(small_state()));
  const thaw::PthFile back = read(bytes);
  CHECK(back.notes.empty());
  REQUIRE(back.tensors.size() == 4);
  CHECK(back.tensors.entries()[0].first == "b.weight");
  CHECK(back.tensors.entries()[3].first == "empty");
  CHECK(thaw::to_contiguous(back.tensors.at("b.weight")) == std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(*back.tensors.at("n").as<std::int64_t>() == std::int64_t{1} << 40);
  CHECK(back.tensors.at("empty").shape() == thaw::Shape{0, 3});
}

TEST_CASE("pth writer: storages hold PyTorch's order, aligned to 64 bytes") {
  const std::string bytes = thaw::pth_bytes(small_state());
  thaw::ZipReader zip(thaw::as_byte_span(bytes), "file.pth", {});
  const thaw::ZipEntry* entry = zip.find("archive/data/0");
  REQUIRE(entry != nullptr);
  CHECK(thaw::as_text(zip.read(*entry)) == raw<float>({1, 2, 3, 4, 5, 6, 7, 8}));
  for (const thaw::ZipEntry& each : zip.entries()) CHECK(each.data % 64 == 0);
}

TEST_CASE("pth writer: a file on disk") {
  const Folder folder;
  thaw::write_pth(folder / "w.pth", small_state());
  CHECK(thaw::read_pth(folder / "w.pth").tensors.size() == 4);
  CHECK(folder.count() == 1);
  thaw::StateDict undefined;
  undefined.add("w", thaw::Tensor());
  CHECK(refusal([&] { thaw::write_pth(folder / "w.pth", undefined); }).find("undefined") !=
        std::string::npos);
}
