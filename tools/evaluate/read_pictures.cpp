#include "tools/evaluate/read_pictures.h"

#include <atomic>
#include <exception>
#include <thread>
#include <vector>

#include "io/picture/image.h"

namespace thaw {

Tensor read_pictures(std::span<const std::string> files, const Preprocess& preprocess, int threads) {
  const std::int64_t side = preprocess.input_size, channels = preprocess.channels;
  Tensor pixels =
      Tensor::empty_host({static_cast<std::int64_t>(files.size()), channels, side, side}, DType::u8);
  const auto bytes = static_cast<std::size_t>(channels * side * side);
  std::vector<std::exception_ptr> errors(files.size());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < files.size(); i = next++) try {
        transform_eval(read_image(files[i], preprocess.channels), preprocess,
                       pixels.as<std::uint8_t>() + i * bytes);
      } catch (...) {
        errors[i] = std::current_exception();
      }
  };
  {
    std::vector<std::jthread> pool;
    for (int t = 1; t < threads && static_cast<std::size_t>(t) < files.size(); ++t) pool.emplace_back(work);
    work();
  }
  for (const std::exception_ptr& error : errors)
    if (error) std::rethrow_exception(error);
  return pixels;
}

}  // namespace thaw
