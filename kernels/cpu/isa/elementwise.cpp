#include "kernels/cpu/isa/parts.h"
#include "kernels/cpu/isa/vector.h"

namespace thaw::cpu::THAW_CPU_ISA {
namespace {

// Calls f(row begin in elements of each view...) once for the whole range where all rows lie without gaps.
template <class F>
THAW_INLINE void for_rows(bool packed, Index c, Index begin, Index end, F f) {
  if (packed) {
    f(begin, (end - begin) * c);
  } else {
    for (Index p = begin; p < end; ++p) f(p, c);
  }
}

template <class From, class To>
void copy(const ConstView& x, const View& y, bool add, Index begin, Index end) {
  const bool packed = x.pitch == x.c && y.pitch == y.c;
  if (!add && is_far(y.data, y.type, y.n * y.h * y.w, y.c, y.pitch)) {
    for_rows(packed, x.c, begin, end, [&](Index p, Index n) {
      const From* from = pixel<From>(x, p);
      To* to = pixel<To>(y, p);
      for_vectors(n, [&](Index i, auto lane) { put<true>(to + i, load(from + i, lane), lane); });
    });
    stream_end();
    return;
  }
  for_rows(packed, x.c, begin, end, [&](Index p, Index n) {
    const From* from = pixel<From>(x, p);
    To* to = pixel<To>(y, p);
    if (add) {
      for_vectors(
          n, [&](Index i, auto lane) { store(to + i, load(to + i, lane) + load(from + i, lane), lane); });
    } else {
      for_vectors(n, [&](Index i, auto lane) { store(to + i, load(from + i, lane), lane); });
    }
  });
}

template <class T>
void add(const ConstView& a, const ConstView& b, const View& y, Index begin, Index end) {
  const bool packed = a.pitch == a.c && b.pitch == b.c && y.pitch == y.c;
  for_rows(packed, y.c, begin, end, [&](Index p, Index n) {
    const T *pa = pixel<T>(a, p), *pb = pixel<T>(b, p);
    T* to = pixel<T>(y, p);
    for_vectors(n, [&](Index i, auto lane) { store(to + i, load(pa + i, lane) + load(pb + i, lane), lane); });
  });
}

template <class T, bool far>
void relu_rows(const ConstView& x, const View& y, Index begin, Index end) {
  for_rows(x.pitch == x.c && y.pitch == y.c, y.c, begin, end, [&](Index p, Index n) {
    const T* from = pixel<T>(x, p);
    T* to = pixel<T>(y, p);
    for_vectors(n, [&](Index i, auto lane) {
      const Vec v = load(from + i, lane);
      put<far>(to + i, choose(v <= 0.0f, Vec{}, v), lane);  // false for NaN, which stays
    });
  });
  if constexpr (far) stream_end();
}

template <class T>
void relu_forward(const ConstView& x, const View& y, Index begin, Index end) {
  const bool far = x.data != y.data && is_far(y.data, y.type, y.n * y.h * y.w, y.c, y.pitch);
  far ? relu_rows<T, true>(x, y, begin, end) : relu_rows<T, false>(x, y, begin, end);
}

template <class T>
void relu_backward(const ConstView& dy, const ConstView& y, const View& dx, Index begin, Index end) {
  const bool packed = dy.pitch == dy.c && y.pitch == y.c && dx.pitch == dx.c;
  for_rows(packed, dx.c, begin, end, [&](Index p, Index n) {
    const T *g = pixel<T>(dy, p), *value = pixel<T>(y, p);
    T* to = pixel<T>(dx, p);
    for_vectors(n, [&](Index i, auto lane) {
      store(to + i, choose(load(value + i, lane) > 0.0f, load(g + i, lane), Vec{}), lane);
    });
  });
}

}  // namespace

template <class T>
void add_elementwise(Loops& loops) {
  loops.copy_to_f32 = copy<T, float>;
  loops.copy_to_bf16 = copy<T, bf16>;
  loops.add = add<T>;
  loops.relu_forward = relu_forward<T>;
  loops.relu_backward = relu_backward<T>;
}

template void add_elementwise<float>(Loops&);
template void add_elementwise<bf16>(Loops&);

}  // namespace thaw::cpu::THAW_CPU_ISA
