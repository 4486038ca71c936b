// What a network says about pictures.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/network/session.h"

namespace thaw {

struct PredictOptions {
  bool flips = false;  // the probabilities are the mean of those of the pictures and of their mirror images
  std::int64_t batch_size = 32;  // cases that go through the network together
  int workers = 2;               // threads that read pictures
};

struct Prediction {
  std::string image;                // the first one of a case
  std::vector<std::string> views;   // all of a case
  std::vector<double> probability;  // per class
  std::vector<int> order;           // class indices, most probable first
  std::vector<float> logits;        // as the network gave them, for the picture as it is
  // What the network made of the pictures before its head, likewise; of views one after the other, without the case's
  // numbers if the head itself takes them.
  std::vector<float> features;
};

// Throws UsageError unless so many pictures and numbers make whole cases.
void check_cases(const ModelDescription& description, std::size_t images, std::size_t numbers);

// One prediction for each case of `images`: a picture, or as many in a row as the network takes views.
// `numbers`: a case's numbers "61,0.5", for each case, where the network takes some. Throws UsageError where
// pictures and numbers do not make whole cases, Error where a picture cannot be read or the network's output
// is not finite.
std::vector<Prediction> predict(Session& session, const std::vector<std::string>& images,
                                const std::vector<std::string>& numbers = {},
                                const PredictOptions& options = {});

}  // namespace thaw
