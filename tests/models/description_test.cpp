#include "models/description.h"

#include <doctest/doctest.h>

#include "models/registry.h"

namespace thaw {
namespace {

std::string error_of(const std::string& model) {
  try {
    network_facts(model);
  } catch (const Error& e) {
    CHECK(std::string(e.what()).size() <= 250);
    return e.what();
  }
  return "";
}

TEST_CASE("description: values, defaults, and one text for one network") {
  Description d("family:word=two,list=3-04-5,number=8,usual=7");
  CHECK(d.family() == "family");
  CHECK(d.number("number", 1, 10, 1) == 8);
  CHECK(d.number("usual", 1, 10, 7) == 7);
  CHECK(d.number("absent", 1, 10, 3) == 3);
  CHECK(d.choice("word", {"one", "two"}) == 1);
  CHECK(d.choice("none", {"one", "two"}) == 0);
  CHECK(d.numbers("list", 1, 10, 3) == std::vector<std::int64_t>{3, 4, 5});
  d.finish();
  CHECK(d.text() == "family:number=8,word=two,list=3-4-5");
}

TEST_CASE("description: what is wrong is said in one line, with the limits or the nearest key") {
  const std::pair<const char*, const char*> wrong[] = {
      {"resnet:blok=basic,blocks=2", "resnet: no key 'blok'; nearest: block, blocks, stem"},
      {"densenet:growht=12,blocks=6", "densenet: no key 'growht'; nearest: growth, "},
      {"resnet:blocks=0", "resnet: blocks takes whole numbers from 1 to 200, got '0'"},
      {"resnet:blocks=-3", "resnet: blocks takes whole numbers from 1 to 200, got ''"},
      {"resnet:blocks=99999999999999999999", "got '99999999999999999999'"},
      {"resnet:blocks=2-2-2-2-2-2-2", "resnet: blocks takes up to 6 numbers, got 7"},
      {"resnet:width=32", "resnet: blocks is missing; give for instance blocks=3-4-6-3"},
      {"resnet:blocks=2,width=4096", "resnet: width takes whole numbers from 1 to 1024, got '4096'"},
      {"resnet:blocks=2,stem=big", "resnet: stem=big: there are imagenet, cifar, deep"},
      {"resnet:blocks=2,blocks=3", "resnet: blocks stands there twice"},
      {"resnet:blocks", "resnet: 'blocks' is no KEY=VALUE"},
      {"resnet:", "resnet: '' is no KEY=VALUE"},
      {"resnet:blocks=2,", "resnet: '' is no KEY=VALUE"},
      {"resnet:blocks=2, width=8", "in small letters without spaces"},
      {"resnet:blocks=2,groups=2", "groups and group_width are of bottlenecks; give block=bottleneck"},
      {"resnet:block=bottleneck,blocks=2,groups=3", "groups=3 do not divide width=64; give group_width too"},
      {"resnet:block=bottleneck,blocks=2,shortcut=a", "shortcut=a is for block=basic"},
      {"resnet:blocks=2,width=15,stem=deep", "stem=deep needs an even width, got 15"},
      {"densenet:growth=257,blocks=6", "densenet: growth takes whole numbers from 1 to 256, got '257'"},
      {"resnett:blocks=2", "resnett: no family of networks; there are resnet and densenet"},
      {"scratch_cnn:blocks=2", "scratch_cnn: no key 'blocks'"},
  };
  for (const auto& [model, reason] : wrong) {
    CAPTURE(model);
    const std::string error = error_of(model);
    CAPTURE(error);
    CHECK(error.find(reason) != std::string::npos);
    CHECK_THROWS_AS(make_network(model), Error);
  }
  CHECK(error_of("resnet:blocks=" + std::string(200, '1')) ==
        "a network's description has up to 200 characters, got 214");
  CHECK(error_of(std::string(100000, 'x')).starts_with("no model 'xxx"));
}

TEST_CASE("description: a network that no machine would train is refused before it is made") {
  CHECK(error_of("resnet:block=bottleneck,blocks=200-200-200-200-200-200,width=1024,group_width=1024") ==
        "resnet: this would have 4863577 million weights; there may be 1000 million");
  CHECK(error_of("densenet:growth=256,blocks=128-128-128-128-128-128,bn_size=16").find("million weights") !=
        std::string::npos);
  CHECK(error_of("densenet:growth=100,blocks=66-66-66,stem=cifar") == "");            // densenet_bc_400_100
  CHECK(error_of("resnet:blocks=200-200-200,width=16,stem=cifar,shortcut=a") == "");  // ResNet-1202
}

}  // namespace
}  // namespace thaw
