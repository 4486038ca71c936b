// FORMATS 1.4, rows Z01 and Z04 to Z22: containers that are cut, contradict themselves or attack.
#include <doctest/doctest.h>

#include <filesystem>

#include "tests/io/pth/writer_pth.h"

using namespace writer;

namespace {

std::string small_body() {
  return ordered_dict({{text("w"), tensor({})}});
}
ZipForm small_form() {
  return pth_form(small_body());
}

// The small file with a change made to it.
template <class Change>
std::string changed(Change change) {
  ZipForm form = small_form();
  change(form);
  return zip(form);
}

std::string u64s(std::initializer_list<std::uint64_t> values) {
  std::string out;
  for (const std::uint64_t value : values) put(out, value);
  return out;
}

}  // namespace

TEST_CASE("zip: the small file is read, and no prefix of it (Z01)") {
  const std::string whole = zip(small_form());
  CHECK(values_of_w(whole) == std::vector<float>{1, 2, 3, 4});
  for (std::size_t n = 0; n < whole.size(); ++n) {
    CAPTURE(n);
    CHECK(refusal([&] { read(whole.substr(0, n)); }) != "(accepted)");
  }
}

TEST_CASE("zip: one flipped bit is refused or changes nothing") {
  const std::string whole = zip(small_form());
  for (std::size_t i = 0; i < whole.size() * 8; ++i) {
    std::string bytes = whole;
    bytes[i / 8] = static_cast<char>(bytes[i / 8] ^ (1 << (i % 8)));
    CAPTURE(i);
    std::vector<float> values = {1, 2, 3, 4};
    refusal([&] { values = values_of_w(bytes); });
    CHECK(values == std::vector<float>{1, 2, 3, 4});
  }
}

TEST_CASE("zip: end records (Z04, Z05)") {
  const std::string whole = zip(small_form());
  check_refused(whole.substr(0, whole.size() - 22), "end record");
  std::string two = whole;
  check_refused(changed([&](ZipForm& f) { f.tail = two.substr(two.size() - 22); }), "end");
  check_refused(changed([&](ZipForm& f) { f.comment = "abc" + two.substr(two.size() - 22) + "def"; }),
                "end record");
  CHECK(values_of_w(changed([](ZipForm& f) { f.comment = std::string(65535, 'c'); })).size() == 4);
  check_refused(changed([](ZipForm& f) { f.entries = 7; }), "counts other entries");
  check_refused(changed([](ZipForm& f) { f.directory_size = 0x10000; }), "directory");
  check_refused(changed([](ZipForm& f) { f.directory_offset = 0x7fffffff; }), "directory");
  check_refused(changed([](ZipForm& f) { f.disk = 1; }), "disks");
}

TEST_CASE("zip: zip64 (Z06, Z07)") {
  const auto forced = [](const std::string& extra) {
    ZipForm form = small_form();
    form.zip64 = true;
    form.items[1].size = form.items[1].compressed = 0xffffffff;
    form.items[1].local_extra = form.items[1].central_extra = extra;
    return zip(form);
  };
  CHECK(values_of_w(forced(extra_field(1, u64s({16, 16})))) == std::vector<float>{1, 2, 3, 4});
  check_refused(forced(extra_field(1, u64s({16}))), "zip64 extra field of the wrong length");
  check_refused(forced(""), "without its zip64 field");
  check_refused(forced(extra_field(1, u64s({~0ull, ~0ull}))), "overlaps");
  check_refused(forced(std::string("\1\0\xff\xff", 4)), "longer than its room");
  check_refused(changed([](ZipForm& f) { f.zip64 = true, f.locator_shift = 1 << 20; }), "locator");
  check_refused(changed([](ZipForm& f) { f.directory_offset = 0xffffffff; }), "without a zip64 end record");
  check_refused(changed([](ZipForm& f) { f.zip64 = true, f.entries = 1; }), "disagree");
}

TEST_CASE("zip: local and central headers that disagree (Z08, Z09)") {
  check_refused(changed([](ZipForm& f) { f.items[1].local_name = "archive/data/1"; }), "another name");
  check_refused(changed([](ZipForm& f) { f.items[1].local_size = 15; }), "local header");
  check_refused(changed([](ZipForm& f) { f.items[1].local_method = 8; }), "local header");
  check_refused(changed([](ZipForm& f) { f.items[1].local_crc = 1; }), "local header");
}

TEST_CASE("zip: flags and methods (Z10, Z11, Z13)") {
  for (const int flag : {0x1, 0x20, 0x40})
    check_refused(changed([&](ZipForm& f) { f.items[0].flags = static_cast<std::uint16_t>(flag); }),
                  "encrypted or patched");
  const auto described = [](std::uint32_t wrong) {
    return changed([&](ZipForm& f) {
      f.items[1].flags = 8;
      f.items[1].local_crc = f.items[1].local_size = 0;
      f.items[1].after = descriptor(f.items[1].content, wrong);
    });
  };
  CHECK(values_of_w(described(0)) == std::vector<float>{1, 2, 3, 4});
  check_refused(described(1), "data descriptor");
  check_refused(changed([](ZipForm& f) { f.items[1].flags = 8; }), "data descriptor");
  check_refused(changed([](ZipForm& f) { f.items[1].method = 99; }), "unknown method 99");
}

TEST_CASE("zip: DEFLATE (Z12)") {
  const auto packed = [](const std::string& content, std::size_t size) {
    return changed([&](ZipForm& f) {
      f.items[1].content = deflated(content);
      f.items[1].method = 8;
      f.items[1].size = static_cast<std::uint32_t>(size);
      f.items[1].crc = crc(content);
    });
  };
  CHECK(values_of_w(packed(four_floats, 16)) == std::vector<float>{1, 2, 3, 4});
  check_refused(packed(four_floats + "x", 16), "does not unpack");
  check_refused(packed(four_floats.substr(1), 16), "does not unpack");
  check_refused(packed(std::string(1 << 22, '\0'), 1 << 22), "200 times");
}

TEST_CASE("zip: checksums (Z14)") {
  check_refused(changed([](ZipForm& f) { f.items[0].crc = 1; }), "wrong checksum");
  check_refused(changed([](ZipForm& f) { f.items[1].crc = 1; }), "wrong checksum");
  const thaw::PthFile file = read(changed([](ZipForm& f) { f.items[1].crc = 0; }));
  REQUIRE(file.notes.size() == 1);
  CHECK(file.notes[0] == "1 zip entries carry no checksum and were not verified");
}

TEST_CASE("zip: overlapping extents (Z15)") {
  check_refused(changed([](ZipForm& f) { f.items[1].offset = 0; }), "");
  ZipForm quoted = small_form();
  // The first entry claims the second one's header as its content.
  quoted.items[0].size = quoted.items[0].compressed =
      static_cast<std::uint32_t>(quoted.items[0].content.size() + 40);
  check_refused(zip(quoted), "overlaps");
  check_refused(changed([](ZipForm& f) { f.items[2].size = f.items[2].compressed = 60; }), "overlaps");
}

TEST_CASE("zip: names that want to leave (Z16); no file is ever made") {
  namespace fs = std::filesystem;
  const auto count = [] { return std::distance(fs::directory_iterator("."), fs::directory_iterator()); };
  const auto before = count();
  const std::vector<std::string> names = {"archive/../x",     "../x", "/etc/x",
                                          "archive/a\\..\\b", "C:x",  std::string("archive/a\0b", 11),
                                          "archive/\xff"};
  for (const std::string& name : names)
    check_refused(changed([&](ZipForm& f) { f.items.push_back({name, "x"}); }), "entry name");
  CHECK(values_of_w(changed([](ZipForm& f) {
          f.items.push_back({"archive/link", "/etc/passwd"});
          f.items.back().attributes = 0xa1ff0000u;
        })).size() == 4);
  CHECK(count() == before);
}

TEST_CASE("zip: which entries must and may be there (Z17, Z18)") {
  check_refused(changed([](ZipForm& f) { f.items.push_back(f.items[0]); }), "two entries named");
  check_refused(changed([](ZipForm& f) {
                  f.items.push_back({"other/data.pkl", "x"});
                }),
                "two entries data.pkl");
  check_refused(changed([](ZipForm& f) { f.items.erase(f.items.begin()); }), "without a data.pkl");
  check_refused(changed([](ZipForm& f) { f.items.push_back({"other/x", "x"}); }), "lies outside");
  check_refused(changed([](ZipForm& f) { f.items.erase(f.items.begin() + 1); }), "data/0 is missing");
  CHECK(values_of_w(changed([](ZipForm& f) { f.items.push_back({"archive/data/99", "xyz"}); })).size() == 4);
  thaw::ReadOptions few;
  few.limits.zip_entries = 100;
  check_refused(changed([](ZipForm& f) {
                  for (int i = 0; i < 200; ++i) f.items.push_back({"archive/e" + std::to_string(i), ""});
                }),
                "zip_entries", few);
}

TEST_CASE("zip: byte order and version (Z19, Z20)") {
  for (const char* order : {"big", "pdp", ""})
    check_refused(changed([&](ZipForm& f) {
                    f.items.push_back({"archive/byteorder", order});
                  }),
                  "byte order");
  CHECK(values_of_w(changed([](ZipForm& f) {
          f.items.push_back({"archive/byteorder", "little"});
        })).size() == 4);
  for (const char* version : {"abc", "-1", "1000000000000000000000000000000", "11", ""})
    check_refused(changed([&](ZipForm& f) { f.items[2].content = version; }), "format version");
}

TEST_CASE("zip: other archives (Z21)") {
  check_refused(changed([](ZipForm& f) {
                  f.items.push_back({"archive/constants.pkl", "x"});
                }),
                "TorchScript");
  check_refused(changed([](ZipForm& f) { f.items.push_back({"archive/code/m.py", "x"}); }), "TorchScript");
  check_refused(zip(small_form()) + zip(small_form()), "");
  check_refused(changed([](ZipForm& f) { f.before = std::string("PK\3\4", 4) + std::string(60, 'x'); }),
                "before the first entry");
  std::string tar(512, '\0');
  tar.replace(257, 5, "ustar");
  tar[0] = 'x';
  check_refused(tar, "tar archive");
}

TEST_CASE("zip: extra fields of any length (Z22)") {
  CHECK(values_of_w(changed([](ZipForm& f) {
          f.items[1].local_extra = extra_field(0x4246, std::string(65531, 'Z'));
        })).size() == 4);
  check_refused(changed([](ZipForm& f) { f.items[1].local_extra = "FB\x05"; }), "cut extra field");
}
