#include "tensor/state_dict.h"

#include <doctest/doctest.h>

namespace thaw::test {

TEST_SUITE("tensor") {
  TEST_CASE("state_dict: keeps the order, finds by name, refuses a name twice, names what is missing") {
    StateDict dict;
    dict.add("conv1.weight", Tensor::zeros_host({2, 3, 1, 1}));
    dict.add("bn1.weight", Tensor::zeros_host({2}));
    dict.add("a", Tensor::zeros_host({}));
    CHECK(dict.size() == 3);
    std::vector<std::string> names;
    for (const auto& [name, tensor] : dict) names.push_back(name);
    CHECK(names == std::vector<std::string>{"conv1.weight", "bn1.weight", "a"});
    CHECK(dict.at("bn1.weight").shape() == Shape{2});
    CHECK(dict.contains("a"));
    CHECK(dict.find("b") == nullptr);
    CHECK_THROWS_WITH_AS(dict.at("fc.bias"), doctest::Contains("fc.bias"), Error);
    CHECK_THROWS_WITH_AS(dict.add("a", Tensor::zeros_host({1})), doctest::Contains("a"), Error);
  }
}

}  // namespace thaw::test
