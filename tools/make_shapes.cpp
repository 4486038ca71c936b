// Writes a small set of synthetic pictures in class folders: something to pretrain and to fine-tune on
// without a download.
#include <filesystem>

#include <fmt/format.h>

#include "io/picture/writer.h"
#include "kernels/error.h"
#include "tools/make_shapes/drawing.h"
#include "tools/program/frame.h"
#include "tools/program/messages.h"
#include "tools/program/values.h"

namespace {

struct Options {
  std::string output;
  std::string task = "pretrain";
  int train = 200;
  int val = 40;
  int size = 32;
  std::uint64_t seed = 42;
};

// Training pictures are numbered from 0, validation pictures from here on: no picture is in both.
constexpr std::uint32_t first_val = 1'000'000;

int make(const Options& options) {
  namespace fs = std::filesystem;
  const auto& classes = thaw::shape_classes(options.task);
  for (const bool train : {true, false}) {
    const std::uint32_t first = train ? 0 : first_val;
    for (const std::string& name : classes) {
      const fs::path folder = fs::path(options.output) / (train ? "train" : "val") / name;
      std::error_code error;
      fs::create_directories(folder, error);
      if (error) throw thaw::Error(folder.string() + ": cannot be made: " + error.message());
      for (int i = 0; i < (train ? options.train : options.val); ++i) {
        const thaw::Image image =
            thaw::draw_shape(name, options.size, options.seed, first + static_cast<std::uint32_t>(i));
        thaw::write_png((folder / fmt::format("{}_{:05}.png", name, i)).string(), image);
      }
    }
  }
  thaw::say("{}: {} classes, {} training and {} validation pictures of {} x {} in {}\n", options.task,
            classes.size(), classes.size() * static_cast<std::size_t>(options.train),
            classes.size() * static_cast<std::size_t>(options.val), options.size, options.size,
            options.output);
  return thaw::exit_done;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  const auto app = thaw::make_app(
      "Writes pictures of shapes into DIR/{train,val}/CLASS/*.png. "
      "Every picture has one filled shape of random colour, place, size and angle on a background that runs "
      "from one colour to another, a few small dots and noise; only the outline tells the class. Task "
      "pretrain: "
      "checkers, circle, cross, ell, half, ring, square, star, stripes, triangle. Task transfer, all other "
      "shapes: "
      "arrow, heart, hexagon, moon, spiral. The same options give the same files, byte for byte.",
      "make_shapes", "make_shapes --task transfer --output shapes");
  app->add_option("--output", options.output, "folder to write into; files of the same name are replaced")
      ->type_name("DIR")
      ->required();
  app->add_option("--task", options.task, "which classes")->check(thaw::one_of({"pretrain", "transfer"}));
  app->add_option("--train", options.train, "training pictures per class")->check(thaw::between(1, 999999));
  app->add_option("--val", options.val, "validation pictures per class")->check(thaw::between(1, 999999));
  app->add_option("--size", options.size, "width and height in pixels")->check(thaw::between(8, 1024));
  app->add_option("--seed", options.seed, "of all random numbers");
  return thaw::run_program(*app, argc, argv, [&] { return make(options); });
}
