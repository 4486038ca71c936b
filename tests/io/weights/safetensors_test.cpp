// FORMATS 1.4, rows S01 to S11: safetensors, hostile and good.
#include <doctest/doctest.h>

#include "io/weights/safetensors.h"
#include "tests/io/pth/writer_pth.h"

using namespace writer;

namespace {

std::string file_of(const std::string& header, const std::string& data) {
  std::string out;
  put<std::uint64_t>(out, header.size());
  return out + header + data;
}

std::string header_of(const std::string& type, const std::string& shape, const std::string& offsets) {
  return R"({"w":{"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

std::string one(const std::string& shape = "[4]", const std::string& offsets = "[0,16]",
                const std::string& data = four_floats) {
  return file_of(header_of("F32", shape, offsets), data);
}

thaw::SafetensorsFile parse(const std::string& bytes) {
  return thaw::read_safetensors(thaw::as_byte_span(bytes), "file.safetensors");
}

void refused(const std::string& bytes, const std::string& part) {
  const std::string message = refusal([&] { parse(bytes); });
  CAPTURE(message);
  CAPTURE(part);
  CHECK(message.find(part) != std::string::npos);
}

std::string two(const std::string& first, const std::string& second) {
  return R"({"a":{"dtype":"F32","shape":[2],"data_offsets":)" + first +
         R"(},"b":{"dtype":"F32","shape":[2],"data_offsets":)" + second + "}}";
}

}  // namespace

TEST_CASE("safetensors: the small file is read, and no prefix of it (S01)") {
  const std::string whole = one();
  CHECK(thaw::to_contiguous(parse(whole).tensors.at("w")) == std::vector<float>{1, 2, 3, 4});
  for (std::size_t n = 0; n < whole.size(); ++n) {
    CAPTURE(n);
    CHECK(refusal([&] { parse(whole.substr(0, n)); }) != "(accepted)");
  }
}

TEST_CASE("safetensors: the length of the header (S02)") {
  const std::string whole = one();
  for (const std::uint64_t length : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{100'000'001},
                                     whole.size() - 7, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    std::string bytes;
    put(bytes, length);
    refused(bytes + whole.substr(8), "header");
  }
}

TEST_CASE("safetensors: the text of the header (S03)") {
  const std::string good = header_of("F32", "[4]", "[0,16]");
  refused(file_of("{\"\xff\":1}", ""), "JSON");
  refused(file_of("hello", ""), "begin with '{'");
  refused(file_of("{hello}", ""), "JSON");
  refused(file_of("[]", ""), "begin with '{'");
  refused(file_of(std::string("{\"a\":") + std::string(100'000, '['), ""), "where none belongs");
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "{\"a\":";
  refused(file_of(deep, ""), "unknown field");
  refused(file_of("\xef\xbb\xbf" + good, four_floats), "begin with '{'");
  refused(file_of(" " + good, four_floats), "begin with '{'");
  refused(file_of(good + std::string(3, '\0'), four_floats), "NUL");
  refused(file_of(good + "}", four_floats), "JSON");
  CHECK(parse(file_of(good + "   ", four_floats)).tensors.size() == 1);
}

TEST_CASE("safetensors: keys that occur twice (S04)") {
  const std::string w = R"({"dtype":"F32","shape":[4],"data_offsets":[0,16]})";
  refused(file_of(R"({"w":)" + w + R"(,"w":)" + w + "}", four_floats), "occurs twice");
  refused(file_of(R"({"a":)" + w + R"(,"\u0061":)" + w + "}", four_floats), "occurs twice");
  refused(file_of(R"({"__metadata__":{},"__metadata__":{},"w":)" + w + "}", four_floats), "occurs twice");
  refused(file_of(R"({"w":{"dtype":"F32","dtype":"F32","shape":[4],"data_offsets":[0,16]}})", four_floats),
          "occurs twice");
}

TEST_CASE("safetensors: extents (S05)") {
  refused(file_of(two("[0,8]", "[12,20]"), four_floats + "xxxx"), "hole");
  refused(file_of(two("[0,8]", "[4,12]"), four_floats.substr(4)), "overlaps");
  refused(one("[4]", "[16,0]"), "ends before it begins");
  refused(one("[8]", "[0,32]"), "past the end");
  refused(one("[4]", "[0,16]", four_floats + "x"), "belong to none");
  const thaw::SafetensorsFile unsorted = parse(file_of(two("[8,16]", "[0,8]"), four_floats));
  CHECK(thaw::to_contiguous(unsorted.tensors.at("a")) == std::vector<float>{3, 4});
  CHECK(thaw::to_contiguous(unsorted.tensors.at("b")) == std::vector<float>{1, 2});
}

TEST_CASE("safetensors: offsets and shapes that are no numbers (S06, S07)") {
  for (const char* offsets : {"[-1,16]", "[0.0,16]", "[0,1.6e1]", "[0,18446744073709551616]", "[0,\"16\"]",
                              "null", "[0,8,16]", "[0]", "\"0\"", "{}"})
    CHECK(refusal([&] { parse(one("[4]", offsets)); }) != "(accepted)");
  refused(one("[4294967296,4294967296]"), "does not match");
  refused(one("[0,9223372036854775807]"), "does not match");
  refused(one("[9223372036854775808]"), "impossible shape");
  refused(one("[3]"), "does not match");
  refused(one("[-4]"), "negative");
  refused(one("4"), "number where none belongs");
  refused(one("[[4]]"), "array where none belongs");
  refused(one("[1,1,1,1,1,1,1,1,4]"), "limit rank");
}

TEST_CASE("safetensors: types (S08)") {
  refused(file_of(header_of("F4", "[3]", "[0,2]"), "xx"), "dtype 'F4'");
  refused(file_of(header_of("C64", "[1]", "[0,8]"), four_floats.substr(8)), "dtype 'C64'");
  refused(file_of(header_of("BOOL", "[1]", "[0,1]"), "\2"), "other than 0 and 1");
  CHECK(parse(file_of(header_of("F64", "[1]", "[0,8]"), raw<double>({0.5}))).tensors.at("w").dtype() ==
        thaw::DType::f32);
  CHECK(parse(file_of(header_of("I64", "[1]", "[0,8]"), raw<std::int64_t>({5}))).tensors.at("w").dtype() ==
        thaw::DType::i64);
}

TEST_CASE("safetensors: metadata and fields (S09)") {
  const std::string w = R"("w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]})";
  refused(file_of(R"({"__metadata__":{"a":1},)" + w + "}", four_floats), "number");
  refused(file_of(R"({"__metadata__":{"a":null},)" + w + "}", four_floats), "null");
  CHECK(parse(file_of(R"({"__metadata__":{},)" + w + "}", four_floats)).metadata.empty());
  CHECK(parse(file_of(R"({"__metadata__":{"a":"b"},)" + w + "}", four_floats)).metadata.at("a") == "b");
  refused(file_of(R"({"w":{"dtype":"F32","shape":[4]}})", four_floats), "lacks");
  refused(file_of(R"({"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16],"more":1}})", four_floats),
          "unknown field");
}

TEST_CASE("safetensors: names (S10), ranks and many tensors (S11)") {
  const auto named = [](const std::string& name) {
    return file_of(R"({")" + name + R"(":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})", four_floats);
  };
  CHECK(parse(named("")).tensors.contains(""));
  CHECK(parse(named("../x")).tensors.contains("../x"));
  refused(named(std::string(1 << 20, 'n')), "key_bytes");
  CHECK(parse(one("[]", "[0,4]", four_floats.substr(0, 4))).tensors.at("w").shape() == thaw::Shape{});
  CHECK(parse(one("[0]", "[0,0]", "")).tensors.at("w").elements() == 0);
  std::string many = "{";
  for (int i = 0; i < 100'001; ++i)
    many +=
        (i > 0 ? ",\"" : "\"") + std::to_string(i) + R"(":{"dtype":"F32","shape":[0],"data_offsets":[0,0]})";
  refused(file_of(many + "}", ""), "limit tensors");
}

TEST_CASE("safetensors: what is written reads back, gapless and always the same") {
  thaw::StateDict tensors;
  tensors.add("b.weight", thaw::from_contiguous(std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8}, {2, 2, 1, 2}));
  thaw::Tensor counter = thaw::Tensor::empty_host({}, thaw::DType::i64);
  *counter.as<std::int64_t>() = 42;
  tensors.add("count", counter);
  tensors.add("a \"quoted\"", thaw::from_contiguous(std::vector<float>{-1}, {1}));
  thaw::Tensor flags = thaw::Tensor::zeros_host({3}, thaw::DType::u8);
  tensors.add("flags", flags);
  const std::string bytes = thaw::safetensors_bytes(tensors, {{"who", "a \"test\"\n"}});
  CHECK(bytes == thaw::safetensors_bytes(tensors, {{"who", "a \"test\"\n"}}));
  const thaw::SafetensorsFile back = parse(bytes);
  CHECK(back.metadata.at("who") == "a \"test\"\n");
  CHECK(back.tensors.size() == 4);
  CHECK(thaw::to_contiguous(back.tensors.at("b.weight")) == std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(*back.tensors.at("count").as<std::int64_t>() == 42);
  CHECK(back.tensors.entries().back().first == "flags");
  // The data holds PyTorch's order: the last 32 + 4 + 3 bytes are the floats and the flags.
  CHECK(bytes.substr(bytes.size() - 35, 32) == raw<float>({1, 2, 3, 4, 5, 6, 7, 8}));
  thaw::StateDict bad;
  bad.add("__metadata__", flags);
  CHECK(refusal([&] { thaw::safetensors_bytes(bad); }) != "(accepted)");
}
