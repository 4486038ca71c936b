// The pictures of a case become one row, with the case's numbers behind them.
#pragma once

#include "layers/module.h"

namespace thaw {

// rows [N * views, C], case after case -> [N, views * C + F]: torch.cat of the views' rows and `features` f32
// [N, F], which may be undefined (F = 0). Features get no gradient; the gradient of the rows is dy's slice,
// and accumulates. Throws Error if the rows are no whole number of cases or the features are of another
// number of them.
Variable join_views(const Variable& rows, std::int64_t views, const Tensor& features,
                    const std::string& module);

}  // namespace thaw
