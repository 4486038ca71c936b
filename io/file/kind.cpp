#include "io/file/kind.h"

#include <algorithm>
#include <cctype>

#include "io/file/text.h"
#include "kernels/error.h"

namespace thaw {
namespace {

bool begins_as_html(std::string_view text) {
  while (!text.empty() && (std::isspace(static_cast<unsigned char>(text[0])) != 0)) text.remove_prefix(1);
  std::string start(text.substr(0, 16));
  std::transform(start.begin(), start.end(), start.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const char* tag : {"<!doctype", "<html", "<head", "<?xml", "<body"})
    if (start.starts_with(tag)) return true;
  return false;
}

}  // namespace

FileKind recognise(std::span<const std::byte> bytes, const std::string& file) {
  using namespace std::string_view_literals;
  const std::string_view text = as_text(bytes);
  if (text.starts_with("PK\3\4"sv) || text.starts_with("PK\5\6"sv)) return FileKind::zip;
  if (text.size() > 1 && text[0] == '\x80' && text[1] >= 2 && text[1] <= 5) return FileKind::legacy_pth;
  if (text.size() > 8 && text[8] == '{') return FileKind::safetensors;
  if (text.empty()) throw Error(file + ": is empty (0 bytes); download or save it again");
  if (text.starts_with("version https://git-lfs"sv))
    throw Error(file +
                ": is a Git LFS pointer, not the weights; run 'git lfs pull' or download the file itself");
  if (begins_as_html(text))
    throw Error(file + ": is an HTML page, not weights; the download gave a web page, use the direct link");
  if (text.size() > 262 && text.substr(257, 5) == "ustar")
    throw Error(
        file +
        ": is a tar archive; unpack it, or, for a PyTorch file older than 0.1.10, load it with an old "
        "PyTorch and save it again");
  if (text.starts_with("\x1f\x8b"sv)) throw Error(file + ": is compressed with gzip; unpack it first");
  if (text.starts_with("\x89HDF"sv))
    throw Error(file + ": is an HDF5 file (Keras); Thaw reads PyTorch and safetensors");
  if (text.starts_with("GGUF"sv)) throw Error(file + ": is a GGUF file; Thaw reads PyTorch and safetensors");
  if (text.starts_with("\x93NUMPY"sv))
    throw Error(file + ": is a NumPy array; Thaw reads PyTorch and safetensors");
  throw Error(file + ": is not a checkpoint Thaw knows (it begins with '" + printable(text.substr(0, 16)) +
              "'); Thaw reads PyTorch files and safetensors");
}

}  // namespace thaw
