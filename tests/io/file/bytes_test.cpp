#include "io/file/bytes.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "io/file/text.h"
#include "kernels/error.h"
#include "tests/support/temp_folder.h"

namespace thaw {
namespace {

std::string refusal(const std::string& path, std::uint64_t limit = 100) {
  try {
    const FileBytes bytes(path, limit);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

TEST_CASE("a whole file is read, and what is no file is refused without waiting for it") {
  const testing::TempFolder folder;
  testing::write_file(folder.file("some"), "abc");
  testing::write_file(folder.file("none"), "");
  testing::write_file(folder.file("large"), std::string(101, 'x'));
  REQUIRE(::mkfifo(folder.file("pipe").c_str(), 0600) == 0);
  CHECK(as_text(FileBytes(folder.file("some"), 3).bytes()) == "abc");
  CHECK(refusal(folder.file("some"), 2).find("has 3 bytes, over the limit") != std::string::npos);
  CHECK(refusal(folder.file("large")).find("over the limit") != std::string::npos);
  CHECK(refusal(folder.file("none")).find("is empty") != std::string::npos);
  CHECK(refusal(folder.file("pipe")).find("not a regular file") != std::string::npos);
  CHECK(refusal(folder.file("")).find("is a directory") != std::string::npos);
  CHECK(refusal("/dev/zero").find("not a regular file") != std::string::npos);
  CHECK(refusal(folder.file("missing")).find("cannot open") != std::string::npos);
}

TEST_CASE("the beginning of a file") {
  const testing::TempFolder folder;
  testing::write_file(folder.file("some"), "abcdef");
  FileReader file(folder.file("some"));
  CHECK(file.size() == 6);
  std::byte to[4] = {};
  CHECK(file.read(to) == 4);
  CHECK(as_text(to) == "abcd");
  CHECK(file.read(to) == 2);
  CHECK(as_text(to) == "efcd");
  CHECK(file.read(to) == 0);
}

}  // namespace
}  // namespace thaw
