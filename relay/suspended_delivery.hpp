// Mail that an operator has stopped waits in the spool until it is resumed or the suspension ends.
#pragma once

#include "config/settings.hpp"
#include "relay/spool/spool.hpp"
#include "relay/suspensions.hpp"

namespace signet {

/// All that stops a message as a whole if it leaves by the addresses of `pool` (null: the system's
/// choice); its destinations are not looked at.
[[nodiscard]] std::vector<Suspension> suspensions_of(const Suspensions& all,
                                                     const spool::Record& record,
                                                     const config::PoolSettings* pool);

}  // namespace signet
