// Whole PyTorch files around a hand-made object, and the check that one is refused.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "io/file/text.h"
#include "io/pth/pth.h"
#include "kernels/error.h"
#include "tests/io/pth/writer_pickle.h"

namespace writer {

template <class T>
std::string raw(const std::vector<T>& values) {
  std::string out;
  for (const T value : values) put(out, value);
  return out;
}

inline const std::string four_floats = raw<float>({1, 2, 3, 4});

using Storages = std::vector<std::pair<std::string, std::string>>;  // key, bytes

// The parts of a zip .pth whose object is `body`.
inline ZipForm pth_form(const std::string& body, const Storages& storages = {{"0", four_floats}}) {
  ZipForm form;
  form.items.push_back({"archive/data.pkl", pickle(body)});
  for (const auto& [key, bytes] : storages) form.items.push_back({"archive/data/" + key, bytes});
  form.items.push_back({"archive/version", "3\n"});
  return form;
}

inline std::string pth(const std::string& body, const Storages& storages = {{"0", four_floats}}) {
  return zip(pth_form(body, storages));
}

// A file with the one tensor "w".
inline std::string pth_of(const TensorForm& form, const Storages& storages = {{"0", four_floats}}) {
  return pth(ordered_dict({{text("w"), tensor(form)}}), storages);
}

inline const std::string magic_pickle =
    std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);

inline std::string system_info(const std::string& little = yes, std::int64_t int_size = 4) {
  return dict(
      {{text("protocol_version"), integer(1001)},
       {text("little_endian"), little},
       {text("type_sizes"),
        dict({{text("short"), integer(2)}, {text("int"), integer(int_size)}, {text("long"), integer(4)}})}});
}

struct LegacyForm {
  std::string magic = magic_pickle;
  std::string version = pickle(integer(1001));
  std::string system = pickle(system_info());
  std::string object;
  std::string keys = pickle("](" + text("0") + "e");
  std::string storages = raw<std::int64_t>({4}) + four_floats;
};

inline std::string legacy(const LegacyForm& form) {
  return form.magic + form.version + form.system + form.object + form.keys + form.storages;
}

inline std::string legacy_object(const TensorForm& form = {}) {
  return pickle(ordered_dict({{text("w"), tensor(form, true)}}));
}

inline thaw::PthFile read(const std::string& bytes, const thaw::ReadOptions& options = {}) {
  return thaw::read_pth(thaw::as_byte_span(bytes), "file.pth", options);
}

// The message of the Error that `action` throws, or "(accepted)".
template <class Action>
std::string refusal(Action action) {
  try {
    action();
  } catch (const thaw::Error& error) {
    return error.what();
  }
  return "(accepted)";
}

// Checks that the file is refused with a message that names it and says `part`.
inline void check_refused(const std::string& bytes, const std::string& part,
                          const thaw::ReadOptions& options = {}) {
  const std::string message = refusal([&] { read(bytes, options); });
  CAPTURE(message);
  CAPTURE(part);
  CHECK(message.find(part) != std::string::npos);
  CHECK(message.find("file.pth") != std::string::npos);
}

// The elements of the tensor "w", in PyTorch's order.
inline std::vector<float> values_of_w(const std::string& bytes) {
  return thaw::to_contiguous(read(bytes).tensors.at("w"));
}

}  // namespace writer
