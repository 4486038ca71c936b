#include "kernels/cpu/isa/windows.h"

namespace thaw::cpu::THAW_CPU_ISA {
namespace {

// PyTorch's divisor: windows that reach past the padding (ceil mode) are cut there before they are counted.
THAW_INLINE Index extent(Index o, const Pool2dSpec& spec, Index size) {
  const Index first = o * spec.stride - spec.padding;
  if (spec.count_include_pad) return least(first + spec.kernel, size + spec.padding) - first;
  const Span span = inputs_of(o, spec, size);
  return span.end - span.begin;
}

template <class T>
void max_pool_forward(const Pool& a, Index begin, Index end) {
  for (Index row = begin; row < end; ++row) {
    const Index n = row / a.out.h, oy = row % a.out.h;
    const Span ys = inputs_of(oy, a.spec, a.in.h);
    for (Index ox = 0; ox < a.out.w; ++ox) {
      const Span xs = inputs_of(ox, a.spec, a.in.w);
      const Index to = row * a.out.w + ox;
      for_wide_vectors(a.in.c, [&](Index c, auto width, auto lane) {
        constexpr int count = decltype(width)::value;
        Vec best[count] = {};
        Ints winner[count] = {};
        window_maximum(a.spec, a.in, n, oy, ox, ys, xs, best, winner,
                       [&](Index from, int k) { return load(pixel<T>(a.in, from) + c + k * lanes, lane); });
        for (int k = 0; k < count; ++k) {
          store(pixel<T>(a.out, to) + c + k * lanes, best[k], lane);
          if (a.index_out != nullptr)
            store_index(a.index_out + to * a.out.c + c + k * lanes, winner[k], lane);
        }
      });
    }
  }
}

// in: dy, out: dx. Each input gathers from the windows that cover it, so no two threads write one place.
template <class T>
void max_pool_backward(const Pool& a, Index begin, Index end) {
  for (Index row = begin; row < end; ++row) {
    const Index n = row / a.out.h, iy = row % a.out.h;
    const Span ys = outputs_of(iy, a.spec, a.in.h);
    for (Index ix = 0; ix < a.out.w; ++ix) {
      const Span xs = outputs_of(ix, a.spec, a.in.w);
      for_wide_vectors(a.in.c, [&](Index c, auto width, auto lane) {
        constexpr int count = decltype(width)::value;
        Vec sum[count] = {};
        sum_of_won<T>(a.spec, a.in, a.index, n, iy, ix, ys, xs, c, lane, sum);
        T* to = pixel<T>(a.out, row * a.out.w + ix) + c;
        for (int k = 0; k < count; ++k) store(to + k * lanes, sum[k], lane);
      });
    }
  }
}

template <class T>
void avg_pool_forward(const Pool& a, Index begin, Index end) {
  for (Index row = begin; row < end; ++row) {
    const Index n = row / a.out.h, oy = row % a.out.h;
    const Span ys = inputs_of(oy, a.spec, a.in.h);
    for (Index ox = 0; ox < a.out.w; ++ox) {
      const Span xs = inputs_of(ox, a.spec, a.in.w);
      const float scale = 1.0f / static_cast<float>(extent(oy, a.spec, a.in.h) * extent(ox, a.spec, a.in.w));
      for_vectors(a.in.c, [&](Index c, auto lane) {
        Vec sum{};
        for (Index y = ys.begin; y < ys.end; ++y) {
          for (Index x = xs.begin; x < xs.end; ++x) {
            sum += load(pixel<T>(a.in, (n * a.in.h + y) * a.in.w + x) + c, lane);
          }
        }
        store(pixel<T>(a.out, row * a.out.w + ox) + c, sum * scale, lane);
      });
    }
  }
}

template <class T>
void avg_pool_backward(const Pool& a, Index begin, Index end) {
  for (Index row = begin; row < end; ++row) {
    const Index n = row / a.out.h, iy = row % a.out.h;
    const Span ys = outputs_of(iy, a.spec, a.in.h);
    for (Index ix = 0; ix < a.out.w; ++ix) {
      const Span xs = outputs_of(ix, a.spec, a.in.w);
      for_vectors(a.in.c, [&](Index c, auto lane) {
        Vec sum{};
        for (Index y = ys.begin; y < ys.end; ++y) {
          for (Index x = xs.begin; x < xs.end; ++x) {
            const Index divisor = extent(y, a.spec, a.out.h) * extent(x, a.spec, a.out.w);
            const float scale = 1.0f / static_cast<float>(divisor);
            sum += load(pixel<T>(a.in, (n * a.in.h + y) * a.in.w + x) + c, lane) * scale;
          }
        }
        store(pixel<T>(a.out, row * a.out.w + ix) + c, sum, lane);
      });
    }
  }
}

template <class T>
void global_avg_pool_forward(const ConstView& x, const View& y, Index begin, Index end) {
  const Index pixels = x.h * x.w;
  const float scale = 1.0f / static_cast<float>(pixels);
  for (Index n = begin; n < end; ++n) {
    for_wide_vectors(x.c, [&](Index c, auto width, auto lane) {
      constexpr int count = decltype(width)::value;
      Vec total[count] = {};
      // Blocks of one row keep the rounding of large pictures small.
      for (Index row = 0; row < x.h; ++row) {
        Vec sum[count] = {};
        for (Index p = row * x.w; p < (row + 1) * x.w; ++p) {
          const T* from = pixel<T>(x, n * pixels + p) + c;
          for (int k = 0; k < count; ++k) sum[k] += load(from + k * lanes, lane);
        }
        for (int k = 0; k < count; ++k) total[k] += sum[k];
      }
      for (int k = 0; k < count; ++k) store(pixel<T>(y, n) + c + k * lanes, total[k] * scale, lane);
    });
  }
}

template <class T>
void global_avg_pool_backward(const ConstView& dy, const View& dx, Index begin, Index end) {
  const Index pixels = dx.h * dx.w;
  const float scale = 1.0f / static_cast<float>(pixels);
  for (Index n = begin; n < end; ++n) {
    for (Index p = n * pixels; p < (n + 1) * pixels; ++p) {
      for_vectors(dx.c, [&](Index c, auto lane) {
        store(pixel<T>(dx, p) + c, load(pixel<T>(dy, n) + c, lane) * scale, lane);
      });
    }
  }
}

}  // namespace

template <class T>
void add_pool2d(Loops& loops) {
  loops.max_pool_forward = max_pool_forward<T>;
  loops.max_pool_backward = max_pool_backward<T>;
  loops.avg_pool_forward = avg_pool_forward<T>;
  loops.avg_pool_backward = avg_pool_backward<T>;
  loops.global_avg_pool_forward = global_avg_pool_forward<T>;
  loops.global_avg_pool_backward = global_avg_pool_backward<T>;
}

template void add_pool2d<float>(Loops&);
template void add_pool2d<bf16>(Loops&);

}  // namespace thaw::cpu::THAW_CPU_ISA
