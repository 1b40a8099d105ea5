// Messages and counts of the queue as JSON: the one place that names its members.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "relay/spool/spool.hpp"

namespace signet::admin {

/// One row of a list: no recipients by name, no header.
[[nodiscard]] nlohmann::json summary_of(const spool::Message& message, bool in_delivery,
                                        WallTime now);
/// Everything but header and body.
[[nodiscard]] nlohmann::json details_of(const spool::Message& message, bool in_delivery,
                                        WallTime now);
[[nodiscard]] nlohmann::json stats_of(const spool::Stats& stats, WallTime now);

}  // namespace signet::admin
