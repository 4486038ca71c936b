#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "tests/support/devices.h"

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  const int result = context.run();
  if (!context.shouldExit()) {
    for (const auto& line : thaw::test::missing_backends()) std::printf("%s\n", line.c_str());
  }
  return result;
}
