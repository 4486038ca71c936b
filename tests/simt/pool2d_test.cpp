// Pooling, as CUDA runs it, against the reference's loops in double.
#include "kernels/reference/pool2d.h"

#include "tests/simt/canvas.h"

namespace thaw::simt_test {
namespace {

struct Case {
  Pool2dSpec spec;
  Index n, h, w, c, gap;
};

const Case cases[] = {
    {{.kernel = 3, .stride = 2, .padding = 1}, 2, 7, 9, 3, 0},
    {{.kernel = 3, .stride = 2, .padding = 1}, 1, 8, 6, 16, 8},
    {{.kernel = 2, .stride = 2}, 3, 6, 5, 17, 4},
    {{.kernel = 2, .stride = 2}, 2, 4, 4, 12, 0},
    {{.kernel = 3, .stride = 2, .ceil_mode = true}, 2, 6, 7, 8, 0},
    {{.kernel = 3, .stride = 3, .padding = 1, .ceil_mode = true, .count_include_pad = false}, 1, 7, 8, 5, 0},
    {{.kernel = 5, .stride = 1, .padding = 2, .count_include_pad = false}, 1, 4, 5, 8, 0},
    {{.kernel = 1, .stride = 3}, 1, 8, 8, 24, 0},  // inputs that no window holds
    {{.kernel = 15, .stride = 15}, 1, 15, 31, 3, 1},
    {{.kernel = 2, .stride = 2}, 1, 2, 4, 520, 0},                 // several tiles of channels
    {{.kernel = 3, .stride = 2, .padding = 1}, 3, 61, 63, 8, 0}};  // the grid strides

Extent in_extent(const Case& k) {
  return {k.n, k.h, k.w, k.c, k.c + k.gap};
}
Extent out_extent(const Case& k) {
  return {k.n, k.spec.out_size(k.h), k.spec.out_size(k.w), k.c, k.c + k.gap};
}

template <class T>
void check_max(const Case& k, Index slack, std::size_t index_slack = 0) {
  const TestQueue q;
  const Extent out = out_extent(k);
  Canvas<T> x(q, in_extent(k), 1, 0, slack), y(q, out, 2), dy(q, out, 3), dx(q, in_extent(k), 4);
  std::vector<std::uint8_t> index(static_cast<std::size_t>(out.pixels() * out.c));
  const DeviceArray<std::uint8_t> dev_index(q, index.size() + index_slack);
  std::uint8_t* winners = dev_index.data() + index_slack;
  reference::max_pool2d_forward<double>(k.spec, x.image(), y.image(), index.data());
  cuda::run(q.queue, MaxPool2dForward{.spec = k.spec, .x = x.view(), .y = y.view(), .index = winners});
  CHECK(y.mismatch(0) == "");
  const std::vector<std::uint8_t> got = dev_index.host();
  CHECK(std::equal(index.begin(), index.end(), got.begin() + static_cast<std::ptrdiff_t>(index_slack)));
  reference::max_pool2d_backward<double>(k.spec, dy.image(), index.data(), dx.image());
  cuda::run(q.queue, MaxPool2dBackward{.spec = k.spec, .dy = dy.view(), .index = winners, .dx = dx.view()});
  CHECK(dx.mismatch(1e-6) == "");
  CHECK(::simt::take_fault() == "");
}

template <class T>
void check_avg(const Case& k, Index slack) {
  const TestQueue q;
  Canvas<T> x(q, in_extent(k), 1, 0, slack), y(q, out_extent(k), 2), dy(q, out_extent(k), 3),
      dx(q, in_extent(k), 4);
  reference::avg_pool2d_forward<double>(k.spec, x.image(), y.image());
  cuda::run(q.queue, AvgPool2dForward{.spec = k.spec, .x = x.view(), .y = y.view()});
  CHECK(y.mismatch(1e-6) == "");
  reference::avg_pool2d_backward<double>(k.spec, dy.image(), dx.image());
  cuda::run(q.queue, AvgPool2dBackward{.spec = k.spec, .dy = dy.view(), .dx = dx.view()});
  CHECK(dx.mismatch(1e-6) == "");
  CHECK(::simt::take_fault() == "");
}

template <class T>
void check_global(const Extent& in) {
  const TestQueue q;
  const Extent rows{in.n, 1, 1, in.c, in.pitch};
  Canvas<T> x(q, in, 1), y(q, rows, 2), dy(q, rows, 3), dx(q, in, 4);
  reference::global_avg_pool_forward<double>(x.image(), y.image());
  cuda::run(q.queue, GlobalAvgPoolForward{.x = x.view(), .y = y.view()});
  CHECK(y.mismatch(1e-6) == "");
  reference::global_avg_pool_backward<double>(dy.image(), dx.image());
  cuda::run(q.queue, GlobalAvgPoolBackward{.dy = dy.view(), .dx = dx.view()});
  CHECK(dx.mismatch(1e-7) == "");
  CHECK(::simt::take_fault() == "");
}

TEST_CASE("max_pool2d: values, winners and their gradients") {
  under_schedules([] {
    for (const Case& k : cases) {
      CAPTURE(in_extent(k).text());
      check_max<float>(k, 0);
      check_max<float>(k, 1);
      check_max<float>(k, 0, 1);
      check_max<bf16>(k, 0);
    }
  });
}

TEST_CASE("avg_pool2d: PyTorch's divisors, and the gradients") {
  under_schedules([] {
    for (const Case& k : cases) {
      CAPTURE(in_extent(k).text());
      check_avg<float>(k, 0);
      check_avg<float>(k, 1);
      check_avg<bf16>(k, 0);
    }
  });
}

TEST_CASE("global_avg_pool both ways") {
  under_schedules([] {
    for (const Extent& e : {Extent{1, 1, 1, 1, 1},
                            {2, 7, 7, 17, 20},
                            {3, 7, 7, 64, 64},
                            {300, 3, 3, 8, 8},
                            {2, 2, 2, 520, 528}}) {
      CAPTURE(e.text());
      check_global<float>(e);
      check_global<bf16>(e);
    }
  });
}

TEST_CASE("max_pool2d: the first of equals wins, and the last NaN") {
  const TestQueue q;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const DeviceArray<float> x(q, std::vector<float>{1, 1, 1, 1, 5, nan, nan, 9}), y(q, 2);
  const DeviceArray<std::uint8_t> index(q, 2);
  cuda::run(
      q.queue,
      MaxPool2dForward{
          .spec = {}, .x = view_of(x, 2, 2, 2, 1, 1), .y = view_of(y, 2, 1, 1, 1, 1), .index = index.data()});
  CHECK(index.host() == std::vector<std::uint8_t>{0, 2});
  CHECK(y.host()[0] == 1.0f);
  CHECK(std::isnan(y.host()[1]));
}

TEST_CASE("max_pool2d: no pictures, no work") {
  const TestQueue q;
  const Canvas<float> x(q, {1, 16, 16, 4, 4}, 1), y(q, {1, 1, 1, 4, 4}, 1);
  View in = x.view(), out = y.view();
  in.n = out.n = 0;
  out.h = out.w = 8;
  cuda::run(q.queue, MaxPool2dForward{.spec = {}, .x = in, .y = out});
  CHECK(::simt::take_fault() == "");
}

}  // namespace
}  // namespace thaw::simt_test
