// Keys and what becomes of them, as the command line and the admin API print them.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "keys/rotator.hpp"
#include "relay/report/delivery_log.hpp"

namespace signet {

/// State, history and DNS record of a key; the record is asked of `rotator`.
[[nodiscard]] nlohmann::json describe_key(const keys::Rotator& rotator, const Domain& domain,
                                          const keys::KeyEntry& key);
/// Null when nothing is due.
[[nodiscard]] nlohmann::json describe_due(const keys::Due& due);
/// {"domain", "keys", "next"}, and "cnames" of a delegated domain.
[[nodiscard]] nlohmann::json describe_keys(const keys::Rotator& rotator, const Domain& domain,
                                           const keys::Rotator::Report& report);

/// The audit line of the last move of a key.
[[nodiscard]] report::Fact key_fact(const Domain& domain, const keys::KeyEntry& key,
                                    keys::KeyState from, WallTime now);

}  // namespace signet
