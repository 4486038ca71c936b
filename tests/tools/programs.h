// Running the built programs, and small data for them.
#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "io/picture/writer.h"
#include "kernels/philox.h"
#include "tests/support/temp_folder.h"

namespace thaw::testing {

struct Outcome {
  int code = -1;
  std::string out, err;
};

inline std::string program(const std::string& name) {
  return std::string(THAW_BINARY_DIR) + "/tools/" + name;
}

// Runs build/tools/NAME with the arguments; none of them may hold a single quote.
inline Outcome run(const std::string& name, const std::vector<std::string>& arguments) {
  const TempFolder folder;
  std::string command = "'" + program(name) + "'";
  for (const std::string& a : arguments) command += " '" + a + "'";
  command += " >'" + folder.file("out") + "' 2>'" + folder.file("err") + "' </dev/null";
  const int status = std::system(command.c_str());
  Outcome outcome;
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  outcome.out = read_file(folder.file("out"));
  outcome.err = read_file(folder.file("err"));
  return outcome;
}

// How often `part` stands in `text`.
inline std::size_t occurrences(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

// The tensors' bytes of a safetensors file, without what it says of the run that they come from.
inline std::string weights_in(const std::string& file) {
  const std::string bytes = read_file(file);
  std::uint64_t header = 0;
  REQUIRE(bytes.size() > sizeof header);
  std::memcpy(&header, bytes.data(), sizeof header);
  REQUIRE(header < bytes.size() - sizeof header);
  return bytes.substr(sizeof header + header);
}

// DIR/{train,val}/{dark,light}: noise of two mean values, `train` and `val` pictures a class.
inline void make_pictures(const std::string& directory, int train = 9, int val = 3, int size = 16) {
  std::uint64_t number = 0;
  for (const char* split : {"train", "val"})
    for (const char* name : {"dark", "light"}) {
      const fs::path folder = fs::path(directory) / split / name;
      fs::create_directories(folder);
      const int count = split == std::string("train") ? train : val;
      for (int i = 0; i < count; ++i) {
        PhiloxStream random(7, Purpose::test, 0, number++);
        Image image;
        image.width = image.height = size;
        image.channels = 3;
        image.pixels.resize(static_cast<std::size_t>(size * size * 3));
        const std::uint32_t base = name == std::string("dark") ? 30 : 150;
        for (auto& p : image.pixels) p = static_cast<std::uint8_t>(base + random.below(80));
        write_png((folder / (std::to_string(i) + ".png")).string(), image);
      }
    }
}

// Arguments of a quick training run on such pictures.
inline std::vector<std::string> quick_training(const std::string& data, const std::string& output) {
  return {"--data",       data, "--model",   "resnet20", "--input-size", "16",
          "--batch-size", "6",  "--device",  "auto",     "--lr",         "0.01",
          "--epochs",     "6",  "--workers", "1",        "--output",     output};
}

inline std::vector<std::string> with(std::vector<std::string> arguments,
                                     const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

}  // namespace thaw::testing
