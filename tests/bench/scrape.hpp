// What a scrape costs with a thousand domains, and what it costs the mail meanwhile.
#pragma once

#include <nlohmann/json.hpp>

#include "tests/bench/million.hpp"

namespace signet::bench {

/// scrape_ms_1000_domains (of a relay that has signed and judged mail of each), with all families
/// that have a domain as a label expose_ms_1000_domains, and accept_p99_ms_added_by_scrapes.
/// Returns the raw counts. Of `plan` the number is not used.
[[nodiscard]] nlohmann::json scrape(const MillionPlan& plan);

}  // namespace signet::bench
