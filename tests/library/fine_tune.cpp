// fine_tune DATA WEIGHTS OUTPUT: thaws the last stage of a ResNet-20 and trains it on DATA/CLASS/* pictures.
#include <thaw/tools/train/fit.h>
#include <cstdio>

int main(int argc, char** argv) try {
  if (argc != 4) throw thaw::Error("usage: fine_tune DATA WEIGHTS OUTPUT");
  thaw::TrainOptions options;
  options.model.model = "resnet20";
  options.model.weights = argv[2];
  options.data.data = argv[1];
  options.freeze = "upto:layer2";
  options.lr = 0.02;
  options.epochs = 3;
  options.output = argv[3];
  const thaw::FitResult result = thaw::fit(options);
  std::printf("%s; %s\n", result.receipt.c_str(), result.weights.c_str());
} catch (const std::exception& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return 1;
}
