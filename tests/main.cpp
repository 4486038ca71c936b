#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>

#include "tests/support/devices.h"

int main(int argc, char** argv) {
  ::setenv("SOURCE_DATE_EPOCH", "1767225600", 1);  // equal runs write equal files, also around midnight
  doctest::Context context(argc, argv);
  const int result = context.run();
  if (!context.shouldExit()) {
    for (const auto& line : thaw::test::missing_backends()) std::printf("%s\n", line.c_str());
  }
  return result;
}
