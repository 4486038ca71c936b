// predict WEIGHTS PICTURE: the three most probable classes.
#include <thaw/tools/evaluate/predict.h>
#include <cstdio>

int main(int argc, char** argv) try {
  if (argc != 3) throw thaw::Error("usage: predict WEIGHTS PICTURE");
  thaw::Session model = thaw::load_model(argv[1], {.model = "resnet20"});
  const std::vector<std::string> names = thaw::class_names(model.description);
  const thaw::Prediction p = thaw::predict(model, {argv[2]}).front();
  for (std::size_t k = 0; k < 3 && k < p.order.size(); ++k) {
    const auto c = static_cast<std::size_t>(p.order[k]);
    std::printf("%s %.4f\n", names[c].c_str(), p.probability[c]);
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return 1;
}
