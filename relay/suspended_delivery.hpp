// Mail that an operator has stopped waits in the spool until it is resumed or the suspension ends.
#pragma once

#include "config/settings.hpp"
#include "relay/spool/spool.hpp"
#include "relay/suspensions.hpp"

namespace signet {

/// What stops all of a message that leaves by the addresses of `pool` (null: the system's choice),
/// but for its destinations. Nothing: it may go.
[[nodiscard]] std::optional<Suspension> suspension_of(const Suspensions& all,
                                                      const spool::Record& record,
                                                      const config::PoolSettings* pool);

}  // namespace signet
