// The fake of cuDNN against what the real one answers (cudnn_answers.tsv, recorded by tests/simt/deviceless):
// it may refuse more, never less, and must have an engine for every graph that the real one runs on both
// devices.
#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "tests/simt/deviceless/questions.h"
#include "tests/simt/support.h"

namespace thaw::simt_test {
namespace {

struct Answers {
  std::string sm_80, sm_90;
};

std::map<std::string, Answers> recorded() {
  std::map<std::string, Answers> all;
  std::ifstream file(THAW_SOURCE_DIR "/tests/simt/cudnn_answers.tsv");
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream cells(line);
    std::string question;
    Answers answers;
    std::getline(cells, question, '\t');
    std::getline(cells, answers.sm_80, '\t');
    std::getline(cells, answers.sm_90, '\t');
    all[question] = answers;
  }
  return all;
}

bool refused(const std::string& answer) {
  return answer == "0" || (answer[0] == 'C' && answer != "CUDNN_STATUS_SUCCESS");
}

class Handle {
 public:
  Handle() { cuda::check(cudnnCreate(&handle_), "starting the fake"); }
  ~Handle() { cudnnDestroy(handle_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  cudnnHandle_t get() const { return handle_; }

 private:
  cudnnHandle_t handle_ = nullptr;
};

TEST_CASE("the fake of cuDNN accepts nothing that the real one refuses, and runs every graph that it runs") {
  const auto real = recorded();
  const auto questions = deviceless::questions();
  CHECK(questions.size() == real.size());
  const Handle handle;
  const cuda::Device device = cuda::device_of(handle.get());
  for (const deviceless::Question& question : questions) {
    CAPTURE(question.name);
    REQUIRE(real.count(question.name) == 1);
    const Answers& answers = real.at(question.name);
    const bool fake_refuses = refused(question.ask(device));
    if (refused(answers.sm_80) || refused(answers.sm_90))
      CHECK(fake_refuses);
    else if (question.graph)
      CHECK_FALSE(fake_refuses);
  }
}

}  // namespace
}  // namespace thaw::simt_test
