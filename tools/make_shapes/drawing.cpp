#include "tools/make_shapes/drawing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "kernels/error.h"
#include "kernels/philox.h"

namespace thaw {

namespace {

constexpr double pi = std::numbers::pi;

struct Point {
  double x = 0;
  double y = 0;
};

using Colour = std::array<double, 3>;

double radius(Point p) {
  return std::hypot(p.x, p.y);
}

// Whether p lies in the regular shape with `corners` whose outline runs from `outer` at a corner to `inner`
// half-way.
bool in_polygon(Point p, int corners, double outer, double inner) {
  const double sector = pi / corners;
  double angle = std::fmod(std::atan2(p.x, p.y) + 2 * pi, 2 * sector);
  if (angle > sector) angle = 2 * sector - angle;
  const double r = radius(p), x = r * std::cos(angle), y = r * std::sin(angle);
  const double ex = inner * std::cos(sector) - outer, ey = inner * std::sin(sector);
  return ex * y - ey * (x - outer) > 0;
}

bool in_box(Point p, double x0, double y0, double x1, double y1) {
  return p.x > x0 && p.x < x1 && p.y > y0 && p.y < y1;
}

bool in_checkers(Point p) {
  const int column = static_cast<int>(std::floor((p.x + 0.9) / 0.6)),
            row = static_cast<int>(std::floor((p.y + 0.9) / 0.6));
  return in_box(p, -0.9, -0.9, 0.9, 0.9) && (column + row) % 2 == 0;
}

bool in_heart(Point p) {
  const double x = p.x * 1.25, y = p.y * 1.25 + 0.1, a = x * x + y * y - 1;
  return a * a * a - x * x * y * y * y < 0;
}

bool in_spiral(Point p) {
  const double turn = radius(p) * 1.8 - std::atan2(p.y, p.x) / (2 * pi);
  return radius(p) < 1 && turn - std::floor(turn) < 0.42;
}

struct Shape2d {
  const char* name;
  bool (*inside)(Point);  // in a frame where the shape fills about [-1, 1] x [-1, 1]
};

constexpr Shape2d shapes[] = {
    {"checkers", in_checkers},
    {"circle", [](Point p) { return radius(p) < 0.9; }},
    {"cross",
     [](Point p) { return in_box(p, -0.28, -0.95, 0.28, 0.95) || in_box(p, -0.95, -0.28, 0.95, 0.28); }},
    {"ell", [](Point p) { return in_box(p, -0.7, -0.9, -0.15, 0.9) || in_box(p, -0.7, -0.9, 0.8, -0.35); }},
    {"half",
     [](Point p) {
       return radius({p.x, p.y + 0.4}) < 1 && p.y > -0.4;
     }},
    {"ring", [](Point p) { return radius(p) < 0.95 && radius(p) > 0.55; }},
    {"square", [](Point p) { return in_box(p, -0.75, -0.75, 0.75, 0.75); }},
    {"star", [](Point p) { return in_polygon(p, 5, 1.05, 0.45); }},
    {"stripes", [](Point p) { return in_box(p, -0.9, -0.9, 0.9, 0.9) && std::sin(p.y * 2 * pi * 1.4) > 0; }},
    {"triangle", [](Point p) { return in_polygon(p, 3, 1.05, 0.525); }},
    {"arrow",
     [](Point p) {
       return in_box(p, -0.95, -0.2, 0.15, 0.2) || (p.x >= 0.15 && std::abs(p.y) < (0.95 - p.x) * 0.9);
     }},
    {"heart", in_heart},
    {"hexagon", [](Point p) { return in_polygon(p, 6, 0.95, 0.8227); }},
    {"moon",
     [](Point p) {
       return radius(p) < 0.95 && radius({p.x - 0.5, p.y}) > 0.75;
     }},
    {"spiral", in_spiral},
};

double between(PhiloxStream& random, double low, double high) {
  return low + (high - low) * double{random.uniform()};
}

Colour random_colour(PhiloxStream& random) {
  return {between(random, 0, 255), between(random, 0, 255), between(random, 0, 255)};
}

double distance(const Colour& a, const Colour& b) {
  return std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

// Roughly normal with standard deviation 1: a sum of four uniform numbers.
double noise(PhiloxStream& random) {
  double sum = -2;
  for (int i = 0; i < 4; ++i) sum += double{random.uniform()};
  return sum * 1.7320508;
}

struct Dot {
  Point center;
  double radius = 0;
  Colour colour{};
};

}  // namespace

const std::vector<std::string>& shape_classes(const std::string& task) {
  static const std::vector<std::string> pretrain{"checkers", "circle", "cross", "ell",     "half",
                                                 "ring",     "square", "star",  "stripes", "triangle"};
  static const std::vector<std::string> transfer{"arrow", "heart", "hexagon", "moon", "spiral"};
  if (task == "pretrain") return pretrain;
  if (task == "transfer") return transfer;
  throw Error("unknown task " + task + "; known: pretrain, transfer");
}

Image draw_shape(const std::string& name, int size, std::uint64_t seed, std::uint32_t number) {
  const auto shape =
      std::find_if(std::begin(shapes), std::end(shapes), [&](const Shape2d& s) { return name == s.name; });
  if (shape == std::end(shapes)) throw Error("unknown shape " + name);
  if (size < 1) throw Error("a picture of size " + std::to_string(size) + " can't be drawn");
  PhiloxStream random(seed, Purpose::augment, static_cast<std::uint32_t>(shape - std::begin(shapes)), number);

  const Colour from = random_colour(random), to = random_colour(random);
  Colour fill = random_colour(random);
  while (distance(fill, from) < 90 || distance(fill, to) < 90) fill = random_colour(random);
  const double slope = between(random, 0, 2 * pi), angle = between(random, 0, 2 * pi);
  const double scale = between(random, 0.4, 0.85), room = 1 - scale * 0.9;
  const Point center{between(random, -room, room), between(random, -room, room)};
  const double grain = between(random, 4, 22);
  std::array<Dot, 4> dots;
  for (Dot& dot : dots) {
    dot = {
        {between(random, -1, 1), between(random, -1, 1)}, between(random, 0.03, 0.13), random_colour(random)};
  }

  // 4 x 4 points per pixel, in a frame where the picture is [-1, 1] x [-1, 1].
  constexpr int points = 4;
  Image image{.width = size, .height = size, .channels = 3, .pixels = {}, .notes = {}};
  image.pixels.reserve(static_cast<std::size_t>(size) * size * 3);
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      Colour sum{};
      for (int k = 0; k < points * points; ++k) {
        const int row = k / points, column = k % points;
        const Point p{2 * (x + (column + 0.5) / points) / size - 1,
                      2 * (y + (row + 0.5) / points) / size - 1};
        const double share =
            std::clamp(0.5 + 0.4 * (p.x * std::cos(slope) + p.y * std::sin(slope)), 0.0, 1.0);
        Colour colour;
        for (int c = 0; c < 3; ++c) colour[c] = from[c] + (to[c] - from[c]) * share;
        for (const Dot& dot : dots) {
          if (radius({p.x - dot.center.x, p.y - dot.center.y}) < dot.radius) colour = dot.colour;
        }
        const double dx = (p.x - center.x) / scale, dy = (p.y - center.y) / scale;
        const Point turned{dx * std::cos(angle) + dy * std::sin(angle),
                           dy * std::cos(angle) - dx * std::sin(angle)};
        if (shape->inside(turned)) colour = fill;
        for (int c = 0; c < 3; ++c) sum[c] += colour[c];
      }
      for (const double channel : sum) {
        const double value = channel / (points * points) + grain * noise(random);
        image.pixels.push_back(static_cast<std::uint8_t>(std::clamp(std::lround(value), 0L, 255L)));
      }
    }
  }
  return image;
}

}  // namespace thaw
