#include "tools/bench/timed_ops.h"

#include <algorithm>

#include "io/file/text.h"
#include "models/nearest_names.h"
#include "tools/program/usage_error.h"

namespace thaw::bench {

void check_only(const std::string& only) {
  const std::vector<std::string> names = names_of(TimedOps());
  const auto holds = [&only](const std::string& name) { return name.find(only) != std::string::npos; };
  if (only != "limits" && std::none_of(names.begin(), names.end(), holds))
    throw UsageError("--only: no op that is timed has '" + printable(only, 40) + "' in its name" +
                     nearest_text(only.substr(0, 40), names));
}

}  // namespace thaw::bench
