// FORMATS 1.4, rows L01 to L08: the container before PyTorch 1.6.
#include <doctest/doctest.h>

#include "tests/io/pth/writer_pth.h"

using namespace writer;

namespace {

template <class Change>
std::string changed(Change change) {
  LegacyForm form;
  form.object = legacy_object();
  change(form);
  return legacy(form);
}

const auto unchanged = [](LegacyForm&) {};

std::string counted(std::int64_t count, const std::string& bytes) {
  return raw<std::int64_t>({count}) + bytes;
}

}  // namespace

TEST_CASE("legacy: the small file is read, and no prefix of it (L01)") {
  const std::string whole = changed(unchanged);
  CHECK(values_of_w(whole) == std::vector<float>{1, 2, 3, 4});
  CHECK(read(whole).container == "legacy");
  for (std::size_t n = 0; n < whole.size(); ++n) {
    CAPTURE(n);
    CHECK(refusal([&] { read(whole.substr(0, n)); }) != "(accepted)");
  }
}

TEST_CASE("legacy: the old _rebuild_tensor of four arguments") {
  const std::string old = call(global("torch._utils", "_rebuild_tensor"),
                               {storage({}, true), integer(0), extents({4}), extents({1})});
  CHECK(values_of_w(changed([&](LegacyForm& f) {
          f.object = pickle(ordered_dict({{text("w"), old}}));
        })).size() == 4);
}

TEST_CASE("legacy: magic and protocol (L02)") {
  check_refused(changed([](LegacyForm& f) { f.magic[5] = 'x'; }), "wrong magic number");
  check_refused(changed([](LegacyForm& f) { f.version = pickle(integer(1002)); }),
                "unknown protocol version");
  check_refused(changed([](LegacyForm& f) {
                  f.magic = pickle(call(global("builtins", "eval"), {text("0x1950a86a20f9469cfc6c")}));
                }),
                "builtins.eval");
}

TEST_CASE("legacy: the machine that saved it (L03)") {
  check_refused(changed([](LegacyForm& f) { f.system = pickle(system_info(no)); }), "big-endian");
  check_refused(changed([](LegacyForm& f) { f.system = pickle(system_info(yes, 8)); }), "other type sizes");
  check_refused(changed([](LegacyForm& f) { f.system = pickle("}"); }), "system description");
  check_refused(changed([](LegacyForm& f) { f.system = pickle(none); }), "system description");
}

TEST_CASE("legacy: the key list (L04)") {
  check_refused(changed([](LegacyForm& f) { f.keys = pickle("]"), f.storages = ""; }),
                "named but not listed");
  check_refused(changed([](LegacyForm& f) { f.keys = pickle("](" + text("0") + text("9") + "e"); }),
                "no tensor names it");
  check_refused(changed([](LegacyForm& f) {
                  f.keys = pickle("](" + text("0") + text("0") + "e");
                  f.storages += f.storages;
                }),
                "listed twice");
  check_refused(changed([](LegacyForm& f) { f.keys = pickle("](" + integer(0) + "e"); }), "no text");
  check_refused(changed([](LegacyForm& f) { f.keys = pickle("}"); }), "no list");
}

TEST_CASE("legacy: counts and bytes of storages (L05, L08)") {
  for (const std::int64_t count : {std::int64_t{3}, std::int64_t{-1}, std::int64_t{1} << 61})
    check_refused(changed([&](LegacyForm& f) { f.storages = counted(count, four_floats); }),
                  "its tensors expect 4");
  check_refused(changed([](LegacyForm& f) { f.storages = counted(4, four_floats.substr(1)); }), "truncated");
  check_refused(changed([](LegacyForm& f) { f.storages += "x"; }), "behind the last storage");
}

TEST_CASE("legacy: storages that are views (L06)") {
  const auto with_view = [](const std::string& metadata) {
    const std::string id = tuple({text("storage"), global("torch", "FloatStorage"), text("0"), text("cpu"),
                                  integer(4), metadata}) +
                           "Q";
    const std::string w =
        call(global("torch._utils", "_rebuild_tensor"), {id, integer(0), extents({4}), extents({1})});
    return changed([&](LegacyForm& f) { f.object = pickle(ordered_dict({{text("w"), w}})); });
  };
  CHECK(values_of_w(with_view(none)).size() == 4);
  check_refused(with_view(tuple({text("1"), integer(0), integer(4)})), "view of another storage");
  check_refused(with_view(tuple({text("1"), integer(-1), integer(4)})), "view of another storage");
}

TEST_CASE("legacy: a storage larger than any view of it leaves the next one aligned (L07)") {
  TensorForm part;
  part.count = 6;
  part.size = {2};
  part.stride = {1};
  TensorForm next;
  next.key = "1";
  const thaw::PthFile file = read(changed([&](LegacyForm& f) {
    f.object = pickle(ordered_dict({{text("part"), tensor(part, true)}, {text("w"), tensor(next, true)}}));
    f.keys = pickle("](" + text("0") + text("1") + "e");
    f.storages = counted(6, raw<float>({9, 8, 7, 6, 5, 4})) + counted(4, four_floats);
  }));
  CHECK(thaw::to_contiguous(file.tensors.at("part")) == std::vector<float>{9, 8});
  CHECK(thaw::to_contiguous(file.tensors.at("w")) == std::vector<float>{1, 2, 3, 4});
}
