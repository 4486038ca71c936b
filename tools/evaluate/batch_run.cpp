#include "tools/evaluate/batch_run.h"

#include <utility>

namespace thaw {

bool run_batches(Loader& loader, const BatchRun& run, const std::function<bool()>& stop) {
  Batch batch, next;
  loader.start_epoch(0);
  bool more = loader.next(batch);
  DeviceBatch input;
  if (more) input = run.upload(batch);
  while (more) {
    if (stop && stop()) return false;
    const Variable output = run.forward(std::exchange(input, {}));
    more = loader.next(next);
    if (more) input = run.upload(next);
    run.use(batch, output);
    std::swap(batch, next);
  }
  return true;
}

}  // namespace thaw
