// FORMATS 1.4, rows P01 to P22: the restricted unpickler.
#include <doctest/doctest.h>

#include "tests/io/pth/writer_pth.h"

using namespace writer;
using namespace std::string_literals;

namespace {

// `body` as the value beside a good tensor, where it does no harm unless it is refused for itself.
std::string beside(const std::string& body) {
  return pth(dict({{text("w"), tensor({})}, {text("other"), body}}));
}

// `body` as the only tensor of the file.
std::string as_tensor(const std::string& body) {
  return pth(ordered_dict({{text("w"), body}}));
}

std::string repeated(const std::string& part, std::size_t times) {
  std::string out;
  out.reserve(part.size() * times);
  for (std::size_t i = 0; i < times; ++i) out += part;
  return out;
}

// A zip .pth whose data.pkl is exactly these bytes.
std::string file_of_pickle(const std::string& bytes) {
  ZipForm form = pth_form("");
  form.items[0].content = bytes;
  return zip(form);
}

std::string tensor_call(const std::string& module, const std::string& function) {
  return call(global(module, function),
              {storage({}), integer(0), extents({2, 2}), extents({2, 1}), no, empty_ordered_dict});
}

}  // namespace

TEST_CASE("pickle: functions that do harm are named, and nothing runs (P01, P02)") {
  const std::vector<std::pair<const char*, const char*>> hostile = {
      {"os", "system"}, {"posix", "system"}, {"builtins", "eval"},   {"__builtin__", "exec"},
      {"pip", "main"},  {"nt", "system"},    {"subprocess", "Popen"}};
  for (const auto& [module, name] : hostile) {
    const std::string shown = std::string(module) + "." + name;
    check_refused(beside(call(global(module, name), {text("touch hacked")})), shown);
    check_refused(beside(text(module) + text(name) + "\x93" + tuple({text("touch hacked")}) + "R"), shown);
    check_refused(beside(global(module, name) + tuple({}) + "}\x92"), shown);
  }
  check_refused(beside("(ios\nsystem\n"), "opcode 0x69");
  check_refused(beside("(" + text("x") + "o"), "opcode 0x6f");
  for (const char* extension : {"\x82\x01", "\x83\x01\x01", "\x84\x01\x01\x01\x01"})
    check_refused(beside(extension), "opcode 0x8");
}

TEST_CASE("pickle: a tensor function with other arguments (P03)") {
  const std::string v2 = global("torch._utils", "_rebuild_tensor_v2");
  check_refused(as_tensor(call(v2, {integer(1)})), "wrong number of arguments");
  check_refused(as_tensor(call(v2, {integer(1), integer(0), extents({1}), extents({1}), no, none})),
                "no storage");
  check_refused(as_tensor(call(v2, {storage({}), integer(0), text("4"), extents({1}), no, none})),
                "no tuple");
  check_refused(as_tensor(call(v2, {storage({}), text("0"), extents({4}), extents({1}), no, none})),
                "no offset");
  check_refused(as_tensor(call(v2, {storage({}), integer(0), extents({4}), extents({1}), integer(7), none})),
                "wrong type");
  check_refused(as_tensor(v2 + text("no tuple") + "R"), "arguments are no tuple");
}

TEST_CASE("pickle: BUILD (P04)") {
  const std::string state =
      dict({{text("__class__"), text("x")}, {text("big"), text(std::string(100000, 'x'))}});
  CHECK(values_of_w(pth(ordered_dict({{text("w"), tensor({})}}) + state + "b")).size() == 4);
  check_refused(as_tensor(tensor({}) + state + "b"), "state given to a tensor");
  check_refused(beside(integer(1) + state + "b"), "takes none");
  check_refused(file_of_pickle("\x80\x02" + state + "b."), "underflow");
}

TEST_CASE("pickle: opcodes and protocols (P05)") {
  check_refused(beside("\xff"), "opcode 0xff");
  const std::string body = ordered_dict({{text("w"), tensor({})}});
  for (const char protocol : {'\2', '\3', '\4', '\5'})
    CHECK(values_of_w(file_of_pickle(std::string("\x80") + protocol + body + ".")).size() == 4);
  for (const char protocol : {'\0', '\1', '\6', '\xff'})
    check_refused(file_of_pickle(std::string("\x80") + protocol + body + "."), "protocol");
  check_refused(file_of_pickle(body + "."), "protocol");
}

TEST_CASE("pickle: protocol 4 as Python writes it") {
  const auto short_text = [](const std::string& value) {
    return std::string("\x8c") + static_cast<char>(value.size()) + value + "\x94";
  };
  const std::string ordered = short_text("collections") + short_text("OrderedDict") + "\x93\x94)R\x94";
  const std::string form =
      tuple({short_text("storage"), short_text("torch") + short_text("FloatStorage") + "\x93",
             short_text("0"), short_text("cpu"), "K\4"});
  const std::string w = short_text("torch._utils") + short_text("_rebuild_tensor_v2") + "\x93" +
                        tuple({form + "Q", "K\0"s, "K\4\x85", "K\1\x85", "\x89", ordered}) + "R";
  const std::string body = ordered + "(" + short_text("w") + w + "u.";
  std::string frame = "\x95";
  put<std::uint64_t>(frame, body.size());
  CHECK(values_of_w(file_of_pickle("\x80\4" + frame + body)) == std::vector<float>{1, 2, 3, 4});
}

TEST_CASE("pickle: an empty stack for every opcode (P06)") {
  for (const char opcode : std::string("012atelsubQRq")) {
    CAPTURE(opcode);
    const std::string message =
        refusal([&] { read(file_of_pickle(std::string("\x80\x02") + opcode + std::string(8, '\0') + ".")); });
    CHECK((message.find("underflow") != std::string::npos || message.find("no mark") != std::string::npos));
  }
  for (const char* opcode : {"\x81", "\x85", "\x86", "\x87", "\x90", "\x91", "\x92", "\x93", "\x94"})
    CHECK(refusal([&] { read(file_of_pickle(std::string("\x80\x02") + opcode + ".")); }) != "(accepted)");
  check_refused(file_of_pickle("\x80\x02(N."), "unbalanced");
  check_refused(file_of_pickle("\x80\x02NN."), "unbalanced");
  check_refused(file_of_pickle("\x80\x02N(a."), "underflow");
}

TEST_CASE("pickle: the memo (P07)") {
  check_refused(beside("h\7"), "memo entry 7 is used before it is set");
  check_refused(beside("j\xff\xff\xff\xff"), "memo entry 4294967295");
  CHECK(values_of_w(beside("Nr\xff\xff\xff\xff")).size() == 4);
}

TEST_CASE("pickle: lengths that lie (P08, P09)") {
  const std::string huge64 = "\xff\xff\xff\xff\xff\xff\xff\x7f";
  for (const std::string& body :
       {std::string("X\xff\xff\xff\xff"), "\x8d" + huge64, "\x8e" + huge64, "\x96" + huge64,
        std::string("U\xff"), std::string("T\xff\xff\xff\x7f"), "B\xff\xff\xff\xff"s})
    check_refused(file_of_pickle("\x80\x02" + body), "reaches past the end");
  check_refused(beside("\x8a\xff" + std::string(255, '\1')), "more than 128 bits");
  check_refused(beside("\x8b\xff\xff\xff\xff"), "more than 128 bits");
  TensorForm form;
  form.count = -4;
  check_refused(pth_of(form), "impossible size");
  check_refused(
      as_tensor(call(global("torch._utils", "_rebuild_tensor_v2"),
                     {storage({}), "\x8a\x09" + std::string(9, '\1'), extents({1}), extents({1}), no, none})),
      "no offset");
}

TEST_CASE("pickle: bombs cost no more than the file (P10, P11, P12)") {
  std::string bomb = "Nq\1";
  for (int i = 0; i < 40; ++i) bomb += "h\1h\1\x86q\1";
  check_refused(pth(bomb + repeated("0", 41) + "h\1"), "a list, no state dict");
  CHECK(values_of_w(beside("Nq\0010" + repeated("h\1h\1\x86q\0010", 40) + "h\1")).size() == 4);
  check_refused(pth(repeated("}", 10'000'000)), "pickle_values");
  check_refused(pth(repeated("N", 10'000'000)), "pickle_values");
  check_refused(pth(repeated("N0", 5'000'000)), "pickle_opcodes");
  check_refused(pth(repeated("]", 1'000'000) + repeated("a", 999'999)), "a list, no state dict");
  thaw::ReadOptions little;
  little.limits.pickle_memo = 10;
  check_refused(beside("Nq\1q\2q\3q\4q\5q\6q\7q\10q\11q\12q\13"), "pickle_memo", little);
}

TEST_CASE("pickle: cycles are inert (P13)") {
  CHECK(values_of_w(beside("]q\1h\1a")).size() == 4);
  CHECK(values_of_w(beside("}q\1" + text("k") + "h\1s")).size() == 4);
  CHECK(values_of_w(pth(empty_ordered_dict + "q\1" + items({{text("w"), tensor({})}}) + "h\1b")).size() == 4);
  check_refused(pth("}q\1" + text("state_dict") + "h\1s"), "no tensors");
}

TEST_CASE("pickle: containers of the wrong kind (P14)") {
  check_refused(beside("}(" + text("k") + "u"), "a key without a value");
  check_refused(beside("]" + text("k") + "Ns"), "no dictionary");
  check_refused(as_tensor(tensor({}) + text("k") + "Ns"), "items set on a tensor");
  check_refused(beside("}Na"), "no list");
  check_refused(beside("}(N\x90"), "no set");
}

TEST_CASE("pickle: keys of a state dict (P15, P16, P17)") {
  for (const std::string& key : {"]"s, integer(3), none, tensor({})})
    check_refused(pth(ordered_dict({{text("w"), tensor({})}, {key, tensor({})}})), "key that is no text");
  check_refused(pth(ordered_dict({{text("w"), tensor({})}, {text("w"), tensor({})}})),
                "two tensors are named");
  check_refused(pth(ordered_dict({{text("\xc0\xaf"), tensor({})}})), "not UTF-8");
  check_refused(pth(ordered_dict({{text("\xed\xa0\x80"), tensor({})}})), "not UTF-8");
  check_refused(pth(ordered_dict({{text(std::string(1 << 20, 'k')), tensor({})}})), "key_bytes");
  check_refused(pth(ordered_dict({{text(std::string("a\0b", 3)), tensor({})}})), "holds a NUL");
  TensorForm bad;
  bad.offset = 9;
  check_refused(pth(ordered_dict({{text("\x1b[31m\n"), tensor(bad)}})), "\\x1b[31m\\x0a");
}

TEST_CASE("pickle: STOP (P18)") {
  const std::string good = pickle(ordered_dict({{text("w"), tensor({})}}));
  check_refused(file_of_pickle(good.substr(0, good.size() - 1)), "reaches past the end");
  check_refused(file_of_pickle(good + "x"), "bytes behind the end");
  check_refused(file_of_pickle(good + good), "bytes behind the end");
}

TEST_CASE("pickle: persistent ids (P19)") {
  const auto id = [](const std::string& value) { return beside(value + "Q"); };
  const std::string type = global("torch", "FloatStorage");
  check_refused(id(integer(1)), "persistent id");
  check_refused(id(text("storage")), "persistent id");
  check_refused(id(tuple({text("storage"), type, text("0"), text("cpu")})), "does not describe a storage");
  check_refused(id(tuple({text("storage"), type, text("0"), text("cpu"), integer(4), none, none})),
                "does not describe a storage");
  check_refused(id(tuple({text("module"), global("net", "Net"), text("net.py"), text("source")})),
                "class net.Net");
  check_refused(
      id(tuple({text("storage"), global("torch", "NewStorage"), text("0"), text("cpu"), integer(4)})),
      "unknown type torch.NewStorage");
  check_refused(id(tuple({text("storage"), type, text("../0"), text("cpu"), integer(4)})), "not allowed");
}

TEST_CASE("pickle: objects of other classes stay opaque (P20)") {
  const std::string arguments = global("argparse", "Namespace") + ")\x81" +
                                dict({{text("lr"), "G?\xb9\x99\x99\x99\x99\x99\x9a"}}) + "b";
  CHECK(values_of_w(beside(arguments)).size() == 4);
  CHECK(values_of_w(beside(call(global("numpy.core.multiarray", "scalar"), {text("x")}))).size() == 4);
  CHECK(read(beside(arguments)).notes.at(0).find("argparse.Namespace") != std::string::npos);
  const std::string module = global("torchvision.models.resnet", "ResNet") + ")\x81}b";
  check_refused(pth(module), "save model.state_dict()");
  check_refused(pth(dict({{text("model"), module}})), "torchvision.models.resnet.ResNet");
}

TEST_CASE("pickle: Parameters (P21) and tensors of other kinds (P22)") {
  CHECK(values_of_w(as_tensor(
            call(global("torch._utils", "_rebuild_parameter"), {tensor({}), yes, empty_ordered_dict}))) ==
        std::vector<float>{1, 2, 3, 4});
  check_refused(as_tensor(call(global("torch._utils", "_rebuild_parameter"), {tensor({})})),
                "wrong arguments");
  for (const char* kind : {"_rebuild_qtensor", "_rebuild_sparse_tensor", "_rebuild_meta_tensor_no_storage",
                           "_rebuild_wrapper_subclass", "_rebuild_device_tensor_from_numpy"}) {
    check_refused(as_tensor(tensor_call("torch._utils", kind)), kind);
    check_refused(as_tensor(tensor_call("torch._utils", kind)), "tensor 'w'");
  }
}
