#include "io/file/text.h"

#include <doctest/doctest.h>

namespace thaw {
namespace {

TEST_CASE("printable: a foreign name can neither drive the terminal nor pass for another one") {
  CHECK(printable("plain name.jpg") == "plain name.jpg");
  CHECK(printable("\xea\xb0\x9c \xe2\x82\xac \xf0\x9f\x90\x95") ==
        "\xea\xb0\x9c \xe2\x82\xac \xf0\x9f\x90\x95");
  CHECK(printable("a\nb\x1b[2J\x7f") == "a\\x0ab\\x1b[2J\\x7f");
  CHECK(printable("\xc2\x9b") == "\\xc2\\x9b");                // a control of C1
  CHECK(printable("\xff\xfe") == "\\xff\\xfe");                // no UTF-8
  CHECK(printable("\xc0\xaf") == "\\xc0\\xaf");                // overlong
  CHECK(printable("\xe2\x82") == "\\xe2\\x82");                // broken off
  CHECK(printable("gpj.\xe2\x80\xae\x65") == "gpj.\\u202ee");  // right-to-left override
  CHECK(printable("\xe2\x81\xa6\xe2\x80\x8f\xd8\x9c") == "\\u2066\\u200f\\u061c");
  CHECK(printable("\xe2\x80\x90") == "\xe2\x80\x90");  // a hyphen beside them
  CHECK(printable("abcdef", 3) == "abc...");
}

}  // namespace
}  // namespace thaw
