#include "tensor/tensor.h"

#include <doctest/doctest.h>

#include <numeric>
#include <utility>

#include "tests/support/devices.h"

namespace thaw::test {
namespace {

std::vector<float> counting(std::int64_t count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  std::iota(values.begin(), values.end(), 1.0f);
  return values;
}

}  // namespace

TEST_SUITE("tensor") {
  TEST_CASE("shape: elements, text, equality") {
    CHECK(Shape{}.elements() == 1);
    CHECK(Shape{64, 3, 7, 7}.elements() == 9408);
    CHECK(Shape{2, 0, 3}.elements() == 0);
    CHECK(Shape{64, 3, 7, 7}.text() == "[64, 3, 7, 7]");
    CHECK(Shape{}.text() == "[]");
    CHECK(Shape{2, 3} != Shape{3, 2});
    CHECK_THROWS(Shape{2, 3}[2]);
  }

  TEST_CASE("shape: a product that 64 bits do not hold is an error, never a small number") {
    const std::int64_t big = std::int64_t{1} << 62;
    CHECK(Shape{big}.elements() == big);
    for (const Shape& shape :
         {Shape{big, 2}, Shape{big, 4}, Shape{big, 4, 16}, Shape{1 << 30, 1 << 30, 1 << 30}})
      CHECK_THROWS_WITH(shape.elements(), doctest::Contains(shape.text().c_str()));
    CHECK_THROWS_WITH(Tensor::zeros_host({big}), doctest::Contains("more bytes than 64 bits"));
    CHECK_THROWS_WITH(Tensor::empty_host({big, 8}), doctest::Contains("more elements than 64 bits"));
  }

  TEST_CASE("tensor: host zeros take memory when they are first touched, and are zeros then") {
    const Tensor nobody_can_have = Tensor::zeros_host({std::int64_t{1} << 50});
    CHECK(nobody_can_have.bytes() == std::size_t{1} << 52);
    CHECK_THROWS_AS(nobody_can_have.data(), std::bad_alloc);
    const Tensor zeros = Tensor::zeros_host({1000});
    const Tensor part = zeros.rows(990, 1000);
    part.as<float>()[0] = 1;
    CHECK(zeros.as<float>()[990] == 1);
    CHECK(zeros.as<float>()[989] == 0);
  }

  TEST_CASE("tensor: rank 4 lies channels-last, others row-major") {
    // [1,2,2,2]: channel 0 is 1 2 3 4, channel 1 is 5 6 7 8; in memory each pixel's two channels are
    // neighbours.
    const Tensor image = from_contiguous(counting(8), {1, 2, 2, 2});
    CHECK(std::vector<float>(image.as<float>(), image.as<float>() + 8) ==
          std::vector<float>{1, 5, 2, 6, 3, 7, 4, 8});
    CHECK(to_contiguous(image) == counting(8));
    const Tensor matrix = from_contiguous(counting(6), {2, 3});
    CHECK(std::vector<float>(matrix.as<float>(), matrix.as<float>() + 6) == counting(6));
    CHECK_THROWS_AS(from_contiguous(counting(5), {2, 3}), Error);
  }

  TEST_CASE("tensor: reordering of elements of 1, 2, 4 and 8 bytes, there and back") {
    const Shape shape{2, 3, 4, 5};
    for (const std::size_t size : {1u, 2u, 4u, 8u}) {
      std::vector<std::uint8_t> first(120 * size), last(first.size()), back(first.size());
      std::iota(first.begin(), first.end(), std::uint8_t{0});
      channels_first_to_last(shape, size, first.data(), last.data());
      // Element (n, c, y, x) = (1, 2, 3, 4).
      const std::size_t from = ((1 * 3 + 2) * 4 + 3) * 5 + 4, to = ((1 * 4 + 3) * 5 + 4) * 3 + 2;
      for (std::size_t b = 0; b < size; ++b) CHECK(int{last[to * size + b]} == int{first[from * size + b]});
      channels_last_to_first(shape, size, last.data(), back.data());
      CHECK(back == first);
    }
  }

  TEST_CASE("tensor: channels, rows and slots share storage") {
    for (const auto& backend : backends()) {
      INFO(backend->name());
      const Tensor whole = from_contiguous(counting(2 * 5 * 3 * 3), {2, 5, 3, 3}).to(*backend);
      const Tensor part = whole.channels(1, 3);
      CHECK(part.shape() == Shape{2, 2, 3, 3});
      CHECK(part.pitch() == 5);
      CHECK_FALSE(part.packed());
      CHECK(part.view().pitch == 5);
      CHECK(part.view().data == static_cast<float*>(whole.data()) + 1);
      const std::vector<float> all = counting(90);
      CHECK(to_contiguous(part.rows(1, 2)) == std::vector<float>(all.begin() + 54, all.begin() + 72));
      CHECK(to_contiguous(whole.rows(1, 2)) == std::vector<float>(all.begin() + 45, all.end()));
      CHECK_THROWS_AS(whole.channels(3, 6), Error);
      CHECK_THROWS_AS(whole.rows(0, 3), Error);

      const Tensor arena = Tensor::zeros(*backend, {10});
      Tensor slot = arena.slot(4, {2, 3});
      slot.copy_from(from_contiguous(counting(6), {2, 3}));
      CHECK(to_contiguous(arena) == std::vector<float>{0, 0, 0, 0, 1, 2, 3, 4, 5, 6});
      CHECK_THROWS_AS(arena.slot(5, {2, 3}), Error);
      CHECK_THROWS_AS(arena.slot(-1, {2}), Error);
    }
  }

  TEST_CASE("tensor: a channel slice in host memory is packed on its way") {
    const Tensor whole = from_contiguous(counting(2 * 3 * 2 * 2), {2, 3, 2, 2});
    const Tensor part = whole.channels(2, 3);
    const Tensor packed = part.to_host();
    CHECK(packed.packed());
    CHECK(to_contiguous(packed) == std::vector<float>{9, 10, 11, 12, 21, 22, 23, 24});
  }

  TEST_CASE("tensor: reshape only between layouts that lie the same") {
    const Tensor matrix = from_contiguous(counting(12), {3, 4});
    CHECK(to_contiguous(matrix.reshape({12})) == counting(12));
    CHECK(matrix.reshape({2, 6}).data() == matrix.data());
    CHECK(matrix.reshape({3, 4, 1, 1}).shape() == Shape{3, 4, 1, 1});
    CHECK(matrix.reshape({3, 4, 1, 1}).reshape({3, 4}).pitch() == 4);
    CHECK_THROWS_AS(matrix.reshape({3, 5}), Error);
    CHECK_THROWS_AS(matrix.reshape({1, 3, 2, 2}), Error);
    CHECK_THROWS_AS(from_contiguous(counting(12), {1, 3, 2, 2}).reshape({1, 12}), Error);
    CHECK_THROWS_AS(matrix.channels(0, 2).reshape({6}), Error);
  }

  TEST_CASE("tensor: copies between devices, and their preconditions") {
    for (const auto& backend : backends()) {
      for (const auto& other : backends()) {
        INFO(backend->name(), " from ", other->name());
        const Tensor there = from_contiguous(counting(24), {2, 3, 2, 2}).to(*other);
        CHECK(to_contiguous(there.to(*backend)) == counting(24));
        CHECK(there.to(*backend).backend() == backend.get());
      }
    }
    Tensor a = Tensor::zeros_host({2, 3});
    CHECK_THROWS_AS(a.copy_from(Tensor::zeros_host({3, 2})), Error);
    CHECK_THROWS_AS(a.copy_from(Tensor::zeros_host({2, 3}, DType::u8)), Error);
    CHECK_THROWS_AS(Tensor().view(), Error);
    CHECK_FALSE(Tensor().defined());
    CHECK(Tensor().backend() == nullptr);
  }

  TEST_CASE("tensor: memory goes back with the last owner") {
    for (const auto& backend : backends()) {
      INFO(backend->name());
      const std::size_t before = backend->bytes_in_use();
      {
        Tensor part;
        {
          const Tensor whole = Tensor::empty(*backend, {64, 64});
          part = whole.rows(3, 4);
        }
        CHECK(backend->bytes_in_use() >= before + 64 * 64 * 4);
      }
      CHECK(backend->bytes_in_use() == before);
    }
  }

  TEST_CASE("tensor: empty tensors are tensors") {
    const Tensor nothing = Tensor::zeros_host({0, 3});
    CHECK(nothing.defined());
    CHECK(nothing.bytes() == 0);
    CHECK(to_contiguous(nothing).empty());
    for (const auto& backend : backends()) CHECK(to_contiguous(nothing.to(*backend)).empty());
  }

  TEST_CASE("tensor: bf16 values come out as floats") {
    for (const auto& backend : backends()) {
      if (!backend->supports(DType::bf16)) continue;
      INFO(backend->name());
      const Tensor f = from_contiguous(counting(8), {1, 2, 2, 2}).to(*backend);
      const Tensor b = Tensor::empty(*backend, {1, 2, 2, 2}, DType::bf16);
      (*backend)(Copy{.x = f.view(), .y = b.view()});
      CHECK(to_contiguous(b) == counting(8));
    }
  }
}

}  // namespace thaw::test
