// Convolution as torch.nn.functional.conv2d (cross-correlation); weights KRSC [out, kernel_h, kernel_w, in /
// groups].
#pragma once

#include <algorithm>
#include <vector>

#include "kernels/ops/conv2d.h"
#include "kernels/reference/floats.h"

namespace thaw::reference {

// Calls f(oy, ox, iy, ix, tap) for every pair of an output pixel and an input pixel that the kernel's place
// tap = ky * kernel_w + kx joins; pairs in the padding are left out.
template <class F>
void for_taps(const Conv2dSpec& s, Index in_h, Index in_w, Index out_h, Index out_w, F f) {
  for (Index oy = 0; oy < out_h; ++oy) {
    for (Index ox = 0; ox < out_w; ++ox) {
      for (Index ky = 0; ky < s.kernel_h; ++ky) {
        const Index iy = oy * s.stride - s.padding + ky * s.dilation;
        if (iy < 0 || iy >= in_h) continue;
        for (Index kx = 0; kx < s.kernel_w; ++kx) {
          const Index ix = ox * s.stride - s.padding + kx * s.dilation;
          if (ix < 0 || ix >= in_w) continue;
          f(oy, ox, iy, ix, ky * s.kernel_w + kx);
        }
      }
    }
  }
}

// y = act(conv(x, weight) + bias + residual); bias [out] and residual may be null.
template <class T>
void conv2d_forward(const Conv2dSpec& s, Image<const T> x, const T* weight, const T* bias,
                    Image<const T> residual, Activation activation, Image<T> y) {
  const Index per_group = s.in / s.groups, outs = s.out / s.groups, taps = s.kernel_h * s.kernel_w;
  std::vector<double> sums(static_cast<std::size_t>(y.h * y.w * s.out));
  for (Index n = 0; n < x.n; ++n) {
    std::fill(sums.begin(), sums.end(), 0.0);
    for_taps(s, x.h, x.w, y.h, y.w, [&](Index oy, Index ox, Index iy, Index ix, Index tap) {
      double* sum = sums.data() + (oy * y.w + ox) * s.out;
      for (Index k = 0; k < s.out; ++k) {
        const T* from = x.at(n, iy, ix) + k / outs * per_group;
        const T* w = weight + (k * taps + tap) * per_group;
        double total = 0.0;
        for (Index c = 0; c < per_group; ++c)
          total += static_cast<double>(from[c]) * static_cast<double>(w[c]);
        sum[k] += total;
      }
    });
    for (Index p = 0; p < y.h * y.w; ++p) {
      T* to = y.pixel(n * y.h * y.w + p);
      for (Index k = 0; k < s.out; ++k) {
        double v = sums[static_cast<std::size_t>(p * s.out + k)];
        if (bias != nullptr) v += static_cast<double>(bias[k]);
        if (residual) v += static_cast<double>(residual.pixel(n * y.h * y.w + p)[k]);
        to[k] = static_cast<T>(activation == Activation::relu ? relu(v) : v);
      }
    }
  }
}

// dx[n,iy,ix,c] = sum over the outputs k that x[n,iy,ix,c] reaches of dy * weight. ASSIGNS.
template <class T>
void conv2d_backward_data(const Conv2dSpec& s, Image<const T> dy, const T* weight, Image<T> dx,
                          Into into = Into::assign) {
  const Index per_group = s.in / s.groups, outs = s.out / s.groups, taps = s.kernel_h * s.kernel_w;
  std::vector<double> sums(static_cast<std::size_t>(dx.h * dx.w * s.in));
  for (Index n = 0; n < dx.n; ++n) {
    std::fill(sums.begin(), sums.end(), 0.0);
    for_taps(s, dx.h, dx.w, dy.h, dy.w, [&](Index oy, Index ox, Index iy, Index ix, Index tap) {
      for (Index k = 0; k < s.out; ++k) {
        const auto g = static_cast<double>(dy.at(n, oy, ox)[k]);
        double* sum = sums.data() + (iy * dx.w + ix) * s.in + k / outs * per_group;
        const T* w = weight + (k * taps + tap) * per_group;
        for (Index c = 0; c < per_group; ++c) sum[c] += g * static_cast<double>(w[c]);
      }
    });
    for (Index p = 0; p < dx.h * dx.w; ++p) {
      for (Index c = 0; c < s.in; ++c) {
        put(dx.pixel(n * dx.h * dx.w + p)[c], sums[static_cast<std::size_t>(p * s.in + c)], into);
      }
    }
  }
}

// dweight[k,ky,kx,c] = sum over output pixels of dy * x.
template <class T>
void conv2d_backward_weight(const Conv2dSpec& s, Image<const T> x, Image<const T> dy, T* dweight, Into into) {
  const Index per_group = s.in / s.groups, outs = s.out / s.groups, taps = s.kernel_h * s.kernel_w;
  std::vector<double> sums(static_cast<std::size_t>(s.weight_elements()), 0.0);
  for (Index n = 0; n < x.n; ++n) {
    for_taps(s, x.h, x.w, dy.h, dy.w, [&](Index oy, Index ox, Index iy, Index ix, Index tap) {
      for (Index k = 0; k < s.out; ++k) {
        const auto g = static_cast<double>(dy.at(n, oy, ox)[k]);
        const T* from = x.at(n, iy, ix) + k / outs * per_group;
        double* sum = sums.data() + (k * taps + tap) * per_group;
        for (Index c = 0; c < per_group; ++c) sum[c] += g * static_cast<double>(from[c]);
      }
    });
  }
  for (std::size_t i = 0; i < sums.size(); ++i) put(dweight[i], sums[i], into);
}

// dbias[c] = sum over pixels of dy[.,c].
template <class T>
void bias_backward(Image<const T> dy, T* dbias, Into into) {
  for (Index c = 0; c < dy.c; ++c) {
    double sum = 0.0;
    for (Index p = 0; p < dy.pixels(); ++p) sum += static_cast<double>(dy.pixel(p)[c]);
    put(dbias[c], sum, into);
  }
}

inline void run(const Conv2dForward& op) {
  const Input w(op.weight, op.spec.weight_elements());
  conv2d_forward<float>(op.spec, Input(op.x), w.data(), op.bias, Input(op.residual), op.activation,
                        Output(op.y));
}

inline void run(const Conv2dBackwardData& op) {
  const Input w(op.weight, op.spec.weight_elements());
  conv2d_backward_data<float>(op.spec, Input(op.dy), w.data(), Output(op.dx), op.into);
}

inline void run(const Conv2dBackwardWeight& op) {
  conv2d_backward_weight<float>(op.spec, Input(op.x), Input(op.dy), op.dweight, op.into);
}

inline void run(const BiasBackward& op) {
  bias_backward<float>(Input(op.dy), op.dbias, op.into);
}

}  // namespace thaw::reference
