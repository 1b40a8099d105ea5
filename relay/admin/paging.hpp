// Pages of a list: `limit` and `after` of a query.
#pragma once

#include <cstddef>

#include "relay/admin/request_target.hpp"

namespace signet::admin {

/// 1 to 1,000; 100 when it is not given. Fault: bad_parameter.
[[nodiscard]] Result<std::size_t> page_limit(const Parameters& parameters);

}  // namespace signet::admin
