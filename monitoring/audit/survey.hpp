// Asks the DNS everything that the checks want to know of one domain.
#pragma once

#include "monitoring/audit/facts.hpp"
#include "monitoring/audit/inquiry.hpp"

namespace signet::audit {

/// Never fails: what can't be found out is an error in the facts. All outlive the task.
[[nodiscard]] net::Task<Facts> survey(net::Resolver& resolver, net::Loop& loop, const Clock& clock,
                                      Pace* pace, Subject subject);

}  // namespace signet::audit
