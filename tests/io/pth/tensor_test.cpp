// FORMATS 1.4, rows T01 to T17: tensors as views of storages.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/io/pth/writer_pth.h"

using namespace writer;

namespace {

constexpr std::int64_t big = std::int64_t{1} << 62;

TensorForm view(std::vector<std::int64_t> size, std::vector<std::int64_t> stride, std::int64_t offset = 0) {
  TensorForm form;
  form.size = std::move(size);
  form.stride = std::move(stride);
  form.offset = offset;
  return form;
}

// A file with the vector "w" of another type.
std::string typed(const std::string& type, const std::string& bytes, std::int64_t count,
                  const std::string& name = "w") {
  TensorForm form = view({count}, {1});
  form.count = count;
  form.type = type;
  return pth(ordered_dict({{text(name), tensor(form)}}), {{"0", bytes}});
}

// Twelve storage elements 0 to 11 under one view.
std::vector<float> of_twelve(TensorForm form) {
  std::vector<float> numbers(12);
  for (std::size_t i = 0; i < 12; ++i) numbers[i] = static_cast<float>(i);
  form.count = 12;
  return values_of_w(pth_of(form, {{"0", raw(numbers)}}));
}

}  // namespace

TEST_CASE("pth: storages that claim another size (T01, T02, T12)") {
  TensorForm form;
  form.count = 0x4000000000000001;
  check_refused(pth_of(form), "impossible size");
  for (const std::int64_t count : {-1, 3, 5}) {
    form.count = count;
    check_refused(pth_of(form), count < 0 ? "impossible size" : "has 16 bytes");
  }
  TensorForm other;
  other.type = "IntStorage";
  check_refused(pth(ordered_dict({{text("a"), tensor({})}, {text("b"), tensor(other)}})),
                "two types or sizes");
}

TEST_CASE("pth: impossible shapes (T03, T04, T05)") {
  check_refused(pth_of(view({std::int64_t{1} << 32, std::int64_t{1} << 32}, {1, 1})), "impossible shape");
  check_refused(pth_of(view({big, 4}, {4, 1})), "impossible shape");
  check_refused(pth_of(view({0, std::numeric_limits<std::int64_t>::max()}, {1, 1})), "impossible shape");
  check_refused(pth_of(view({2, 2}, {2})), "another number of strides");
  check_refused(pth_of(view({2, 2}, {2, 1, 1})), "another number of strides");
  check_refused(pth_of(view({-2, 2}, {2, 1})), "not whole numbers from 0");
  check_refused(pth_of(view({2, 2}, {2, -1})), "not whole numbers from 0");
  check_refused(pth_of(view({2, 2}, {2, 1}, -1)), "begins outside");
  check_refused(pth_of(view({2, 2}, {2, 1}, std::numeric_limits<std::int64_t>::max())), "begins outside");
}

TEST_CASE("pth: views at the edge of their storage (T06, T07, T08, T09)") {
  CHECK(values_of_w(pth_of(view({0}, {1}, 4))).empty());
  check_refused(pth_of(view({0}, {1}, 5)), "begins outside");
  CHECK(values_of_w(pth_of(view({2}, {2}, 1))) == std::vector<float>{2, 4});
  check_refused(pth_of(view({2}, {2}, 2)), "reaches past the end");
  check_refused(pth_of(view({2, 2}, {big, big})), "impossible strides");
  check_refused(pth_of(view({3}, {big})), "impossible strides");
  check_refused(pth_of(view({std::int64_t{1} << 40}, {0})), "larger than its storage");
}

TEST_CASE("pth: several tensors in one storage (T10)") {
  const thaw::PthFile file = read(pth(ordered_dict({{text("a"), tensor(view({2}, {1}))},
                                                    {text("b"), tensor(view({2}, {1}, 2))},
                                                    {text("c"), tensor(view({3}, {1}, 1))},
                                                    {text("d"), tensor(view({2}, {1}))}})));
  CHECK(thaw::to_contiguous(file.tensors.at("a")) == std::vector<float>{1, 2});
  CHECK(thaw::to_contiguous(file.tensors.at("b")) == std::vector<float>{3, 4});
  CHECK(thaw::to_contiguous(file.tensors.at("c")) == std::vector<float>{2, 3, 4});
  CHECK(thaw::to_contiguous(file.tensors.at("d")) == std::vector<float>{1, 2});
  thaw::ReadOptions tight;
  tight.limits.tensor_bytes = 30;
  check_refused(pth(ordered_dict({{text("a"), tensor({})}, {text("b"), tensor({})}})), "tensor_bytes", tight);
}

TEST_CASE("pth: strides are honoured (T11)") {
  CHECK(of_twelve(view({3, 4}, {1, 3})) == std::vector<float>{0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11});
  CHECK(of_twelve(view({2, 2}, {7, 2}, 1)) == std::vector<float>{1, 3, 8, 10});
  CHECK(of_twelve(view({1, 12}, {99, 1})).size() == 12);
  CHECK(of_twelve(view({2, 1, 3}, {6, big, 2})) == std::vector<float>{0, 2, 4, 6, 8, 10});
  // Channels-last [1,3,2,2] and contiguous [1,3,2,2] hold the same logical elements in another order.
  CHECK(of_twelve(view({1, 3, 2, 2}, {12, 1, 6, 3})) ==
        std::vector<float>{0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11});
  CHECK(of_twelve(view({1, 3, 2, 2}, {12, 4, 2, 1})) ==
        std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
}

TEST_CASE("pth: rank 4 lies channels-last in memory") {
  TensorForm form = view({1, 2, 1, 2}, {4, 2, 2, 1});
  const thaw::PthFile file = read(pth_of(form));
  const thaw::Tensor& w = file.tensors.at("w");
  const std::vector<float> memory(w.as<float>(), w.as<float>() + 4);
  CHECK(memory == std::vector<float>{1, 3, 2, 4});
}

TEST_CASE("pth: element types (T13)") {
  thaw::ReadOptions any;
  any.allow_nonfinite = true;
  const auto floats = [&](const std::string& bytes) {
    return thaw::to_contiguous(read(bytes, any).tensors.at("w"));
  };
  // 1, -2, smallest subnormal, largest subnormal, largest, infinity, NaN with a payload.
  const auto half =
      floats(typed("HalfStorage",
                   raw<std::uint16_t>({0x3c00, 0xc000, 0x0001, 0x03ff, 0x7bff, 0x7c00, 0x7e01, 0x8001}), 8));
  CHECK(half[0] == 1.0f);
  CHECK(half[1] == -2.0f);
  CHECK(half[2] == std::ldexp(1.0f, -24));
  CHECK(half[3] == std::ldexp(1023.0f, -24));
  CHECK(half[4] == 65504.0f);
  CHECK(std::isinf(half[5]));
  CHECK(std::isnan(half[6]));
  CHECK(half[7] == -std::ldexp(1.0f, -24));
  const auto brain = floats(typed("BFloat16Storage", raw<std::uint16_t>({0x3f80, 0x0001, 0xff80}), 3));
  CHECK(brain[0] == 1.0f);
  CHECK(brain[1] == std::ldexp(1.0f, -133));
  CHECK((std::isinf(brain[2]) && brain[2] < 0));
  CHECK(floats(typed("DoubleStorage", raw<double>({0.1, -3}), 2)) == std::vector<float>{0.1f, -3});
  const thaw::PthFile longs = read(typed("LongStorage", raw<std::int64_t>({big, -1}), 2));
  CHECK(longs.tensors.at("w").dtype() == thaw::DType::i64);
  CHECK(longs.tensors.at("w").as<std::int64_t>()[0] == big);
  CHECK(read(typed("ByteStorage", "\xff", 1)).tensors.at("w").dtype() == thaw::DType::u8);
  CHECK(read(typed("BoolStorage", "\1", 1)).tensors.at("w").dtype() == thaw::DType::boolean);
  check_refused(typed("BoolStorage", "\2", 1), "other than 0 and 1");
  CHECK(read(typed("HalfStorage", raw<std::uint16_t>({0x3c00}), 1)).notes.at(0) ==
        "converted 1 tensors from f16 to f32");
  thaw::ReadOptions kept;
  kept.convert_floats = false;
  CHECK(read(typed("HalfStorage", raw<std::uint16_t>({0x3c00}), 1), kept).tensors.at("w").dtype() ==
        thaw::DType::f16);
}

TEST_CASE("pth: types Thaw does not read are named (T14)") {
  check_refused(typed("ComplexFloatStorage", std::string(16, '\0'), 2), "ComplexFloatStorage");
  check_refused(typed("QInt8Storage", std::string(2, '\0'), 2), "QInt8Storage");
  check_refused(typed("Float8_e4m3fnStorage", std::string(2, '\0'), 2), "Float8_e4m3fnStorage");
}

TEST_CASE("pth: numbers no network has (T15)") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::string bad = typed("FloatStorage", raw<float>({1, nan}), 2);
  check_refused(bad, "tensor 'w' holds nan at index 1");
  check_refused(typed("FloatStorage", raw<float>({INFINITY, 1}), 2), "tensor 'w' holds inf at index 0");
  check_refused(typed("FloatStorage", raw<float>({1, -0.5f}), 2, "bn.running_var"), "negative variance");
  CHECK(read(typed("FloatStorage", raw<float>({1, -0.5f}), 2, "bn.running_mean")).tensors.size() == 1);
  thaw::ReadOptions any;
  any.allow_nonfinite = true;
  CHECK(std::isnan(thaw::to_contiguous(read(bad, any).tensors.at("w"))[1]));
}

TEST_CASE("pth: ranks (T16) and locations (T17)") {
  TensorForm counter = view({}, {});
  counter.count = 1;
  counter.type = "LongStorage";
  const thaw::PthFile file = read(pth(ordered_dict({{text("bn.num_batches_tracked"), tensor(counter)}}),
                                      {{"0", raw<std::int64_t>({7})}}));
  CHECK(file.tensors.at("bn.num_batches_tracked").shape() == thaw::Shape{});
  CHECK(*file.tensors.at("bn.num_batches_tracked").as<std::int64_t>() == 7);
  CHECK(read(pth_of(view({0}, {1}))).tensors.at("w").elements() == 0);
  check_refused(pth_of(view(std::vector<std::int64_t>(9, 1), std::vector<std::int64_t>(9, 1))), "limit rank");
  for (const char* location : {"cuda:0", "cuda:7", "mps", "xla", "garbage \x01"}) {
    TensorForm form;
    form.location = location;
    CHECK(values_of_w(pth_of(form)) == std::vector<float>{1, 2, 3, 4});
  }
}
