#include <algorithm>
#include <cstring>

#include "io/file/atomic.h"
#include "io/file/tensor.h"
#include "io/file/text.h"
#include "io/pth/pth.h"
#include "io/pth/zip_writer.h"

namespace thaw {
namespace {

const char* storage_name(DType type) {
  switch (type) {
    case DType::f32:
      return "FloatStorage";
    case DType::f64:
      return "DoubleStorage";
    case DType::f16:
      return "HalfStorage";
    case DType::bf16:
      return "BFloat16Storage";
    case DType::i64:
      return "LongStorage";
    case DType::i32:
      return "IntStorage";
    case DType::i16:
      return "ShortStorage";
    case DType::i8:
      return "CharStorage";
    case DType::u8:
      return "ByteStorage";
    default:
      return "BoolStorage";
  }
}

// The opcodes torch.save itself uses for an OrderedDict of tensors, without memo entries: protocol 2.
class PickleWriter {
 public:
  PickleWriter() : out_("\x80\x02") {
    global("collections", "OrderedDict");
    out_ += ")R(";
  }

  void tensor(const std::string& name, const Tensor& tensor, const std::string& key) {
    text(name);
    global("torch._utils", "_rebuild_tensor_v2");
    out_ += "((";
    text("storage");
    global("torch", storage_name(tensor.dtype()));
    text(key);
    text("cpu");
    integer(tensor.elements());
    out_ += "tQ";
    integer(0);
    const auto& sizes = tensor.shape().extents();
    std::vector<std::int64_t> strides(sizes.size(), 1);
    for (std::size_t i = sizes.size(); i-- > 1;)
      strides[i - 1] = strides[i] * std::max<std::int64_t>(sizes[i], 1);
    tuple(sizes);
    tuple(strides);
    out_ += '\x89';
    global("collections", "OrderedDict");
    out_ += ")RtR";
  }

  std::string finish() { return out_ + "u."; }

 private:
  void global(const char* module, const char* name) {
    out_ += std::string("c") + module + "\n" + name + "\n";
  }

  void raw(const void* value, std::size_t size) { out_.append(static_cast<const char*>(value), size); }

  void text(const std::string& value) {
    const auto size = static_cast<std::uint32_t>(value.size());
    out_ += 'X';
    raw(&size, 4);
    out_ += value;
  }

  void integer(std::int64_t value) {
    if (value <= 0x7fffffff) {
      const auto narrow = static_cast<std::int32_t>(value);
      out_ += 'J';
      raw(&narrow, 4);
    } else {
      out_ += "\x8a\x08";
      raw(&value, 8);
    }
  }

  void tuple(const std::vector<std::int64_t>& values) {
    out_ += '(';
    for (const std::int64_t value : values) integer(value);
    out_ += 't';
  }

  std::string out_;
};

}  // namespace

std::string pth_bytes(const StateDict& tensors) {
  PickleWriter pickle;
  std::size_t count = 0;
  for (const auto& [name, tensor] : tensors) {
    if (!valid_utf8(name)) throw Error("pth: the tensor name '" + printable(name) + "' is not UTF-8");
    if (!tensor.defined()) throw Error("pth: tensor '" + printable(name) + "' is undefined");
    pickle.tensor(name, tensor, std::to_string(count++));
  }
  ZipWriter zip;
  zip.add("archive/data.pkl", pickle.finish());
  zip.add("archive/byteorder", "little");
  count = 0;
  for (const auto& [name, tensor] : tensors)
    zip.add("archive/data/" + std::to_string(count++), as_text(contiguous_bytes(tensor)));
  zip.add("archive/version", "3\n");
  return zip.finish();
}

void write_pth(const std::string& path, const StateDict& tensors) {
  write_file_atomically(path, pth_bytes(tensors));
}

}  // namespace thaw
