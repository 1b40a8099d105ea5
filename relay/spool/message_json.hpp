// Record and state as JSON, for people and scripts that read an export. Times are milliseconds
// since 1970; octets that are not UTF-8 are replaced.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "relay/spool/spool.hpp"

namespace signet::spool {

/// Without header, signatures and body: those are in the mail itself.
[[nodiscard]] nlohmann::json to_json(const Record& record);
[[nodiscard]] nlohmann::json to_json(const State& state);

}  // namespace signet::spool
