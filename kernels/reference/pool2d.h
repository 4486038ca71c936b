// Pooling as torch.nn.functional.max_pool2d, avg_pool2d and adaptive_avg_pool2d(1).
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/ops/pool2d.h"
#include "kernels/reference/floats.h"

namespace thaw::reference {

// One window: inputs [y0, y1) x [x0, x1), clipped to the picture; `divisor` is PyTorch's for the average.
struct Window {
  Index y0, y1, x0, x1, divisor;
};

inline Window window_of(const Pool2dSpec& s, Index oy, Index ox, Index h, Index w) {
  const Index y = oy * s.stride - s.padding, x = ox * s.stride - s.padding;
  // With ceil_mode a window may reach past the padding; that part never counts.
  const Index padded =
      (std::min(y + s.kernel, h + s.padding) - y) * (std::min(x + s.kernel, w + s.padding) - x);
  Window v{std::max<Index>(y, 0), std::min(y + s.kernel, h), std::max<Index>(x, 0), std::min(x + s.kernel, w),
           0};
  v.divisor = s.count_include_pad ? padded : (v.y1 - v.y0) * (v.x1 - v.x0);
  return v;
}

// index: ky * kernel + kx of the winner, packed [N,OH,OW,C]; null: not wanted.
template <class T>
void max_pool2d_forward(const Pool2dSpec& s, Image<const T> x, Image<T> y, std::uint8_t* index) {
  for (Index p = 0; p < y.pixels(); ++p) {
    const Index n = p / (y.h * y.w), oy = p / y.w % y.h, ox = p % y.w;
    const Window v = window_of(s, oy, ox, x.h, x.w);
    for (Index c = 0; c < y.c; ++c) {
      T best = x.at(n, v.y0, v.x0)[c];
      Index best_y = v.y0, best_x = v.x0;
      for (Index iy = v.y0; iy < v.y1; ++iy) {
        for (Index ix = v.x0; ix < v.x1; ++ix) {
          const T value = x.at(n, iy, ix)[c];
          // Once NaN has won, nothing compares greater; a later NaN takes over, as in PyTorch.
          if (!(value > best || std::isnan(value))) continue;
          best = value;
          best_y = iy;
          best_x = ix;
        }
      }
      y.pixel(p)[c] = best;
      if (index == nullptr) continue;
      const Index ky = best_y - (oy * s.stride - s.padding), kx = best_x - (ox * s.stride - s.padding);
      index[p * y.c + c] = static_cast<std::uint8_t>(ky * s.kernel + kx);
    }
  }
}

// Each dy goes to its window's winner, if it has one; windows that share one add up. ASSIGNS.
template <class T>
void max_pool2d_backward(const Pool2dSpec& s, Image<const T> dy, const std::uint8_t* index, Image<T> dx) {
  std::vector<double> sums(static_cast<std::size_t>(dx.pixels() * dx.c), 0.0);
  for (Index p = 0; p < dy.pixels(); ++p) {
    const Index n = p / (dy.h * dy.w), oy = p / dy.w % dy.h, ox = p % dy.w;
    for (Index c = 0; c < dy.c; ++c) {
      const Index place = index[p * dy.c + c];
      if (place == no_winner) continue;
      const Index iy = oy * s.stride - s.padding + place / s.kernel;
      const Index ix = ox * s.stride - s.padding + place % s.kernel;
      sums[static_cast<std::size_t>(((n * dx.h + iy) * dx.w + ix) * dx.c + c)] +=
          static_cast<double>(dy.pixel(p)[c]);
    }
  }
  for (Index p = 0; p < dx.pixels(); ++p) {
    for (Index c = 0; c < dx.c; ++c) {
      dx.pixel(p)[c] = static_cast<T>(sums[static_cast<std::size_t>(p * dx.c + c)]);
    }
  }
}

template <class T>
void avg_pool2d_forward(const Pool2dSpec& s, Image<const T> x, Image<T> y) {
  for (Index p = 0; p < y.pixels(); ++p) {
    const Index n = p / (y.h * y.w);
    const Window v = window_of(s, p / y.w % y.h, p % y.w, x.h, x.w);
    for (Index c = 0; c < y.c; ++c) {
      double sum = 0.0;
      for (Index iy = v.y0; iy < v.y1; ++iy) {
        for (Index ix = v.x0; ix < v.x1; ++ix) sum += static_cast<double>(x.at(n, iy, ix)[c]);
      }
      y.pixel(p)[c] = static_cast<T>(sum / static_cast<double>(v.divisor));
    }
  }
}

// Each dy / divisor goes to every input of its window. ASSIGNS.
template <class T>
void avg_pool2d_backward(const Pool2dSpec& s, Image<const T> dy, Image<T> dx) {
  std::vector<double> sums(static_cast<std::size_t>(dx.pixels() * dx.c), 0.0);
  for (Index p = 0; p < dy.pixels(); ++p) {
    const Index n = p / (dy.h * dy.w);
    const Window v = window_of(s, p / dy.w % dy.h, p % dy.w, dx.h, dx.w);
    for (Index iy = v.y0; iy < v.y1; ++iy) {
      for (Index ix = v.x0; ix < v.x1; ++ix) {
        double* sum = sums.data() + ((n * dx.h + iy) * dx.w + ix) * dx.c;
        for (Index c = 0; c < dx.c; ++c) {
          sum[c] += static_cast<double>(dy.pixel(p)[c]) / static_cast<double>(v.divisor);
        }
      }
    }
  }
  for (Index p = 0; p < dx.pixels(); ++p) {
    for (Index c = 0; c < dx.c; ++c) {
      dx.pixel(p)[c] = static_cast<T>(sums[static_cast<std::size_t>(p * dx.c + c)]);
    }
  }
}

// y [N,1,1,C]: the mean over each picture's pixels.
template <class T>
void global_avg_pool_forward(Image<const T> x, Image<T> y) {
  const Index count = x.h * x.w;
  for (Index n = 0; n < x.n; ++n) {
    for (Index c = 0; c < x.c; ++c) {
      double sum = 0.0;
      for (Index p = 0; p < count; ++p) sum += static_cast<double>(x.pixel(n * count + p)[c]);
      y.pixel(n)[c] = static_cast<T>(sum / static_cast<double>(count));
    }
  }
}

template <class T>
void global_avg_pool_backward(Image<const T> dy, Image<T> dx) {
  const Index count = dx.h * dx.w;
  for (Index p = 0; p < dx.pixels(); ++p) {
    for (Index c = 0; c < dx.c; ++c) {
      dx.pixel(p)[c] =
          static_cast<T>(static_cast<double>(dy.pixel(p / count)[c]) / static_cast<double>(count));
    }
  }
}

inline void run(const MaxPool2dForward& op) {
  max_pool2d_forward<float>(op.spec, Input(op.x), Output(op.y), op.index);
}

inline void run(const MaxPool2dBackward& op) {
  max_pool2d_backward<float>(op.spec, Input(op.dy), op.index, Output(op.dx));
}

inline void run(const AvgPool2dForward& op) {
  avg_pool2d_forward<float>(op.spec, Input(op.x), Output(op.y));
}

inline void run(const AvgPool2dBackward& op) {
  avg_pool2d_backward<float>(op.spec, Input(op.dy), Output(op.dx));
}

inline void run(const GlobalAvgPoolForward& op) {
  global_avg_pool_forward<float>(Input(op.x), Output(op.y));
}

inline void run(const GlobalAvgPoolBackward& op) {
  global_avg_pool_backward<float>(Input(op.dy), Output(op.dx));
}

}  // namespace thaw::reference
