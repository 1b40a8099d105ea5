#include "monitoring/audit/finding.hpp"

#include <algorithm>
#include <array>

namespace signet::audit {

std::string_view name_of(Check check) {
  constexpr std::array<std::string_view, kChecks> kNames{
      "spf", "dkim", "dmarc", "reports", "mx", "reverse_dns", "helo", "tls_rpt", "mta_sts", "bimi"};
  return kNames[static_cast<std::size_t>(check)];
}

std::string_view name_of(Level level) {
  constexpr std::array<std::string_view, kLevels> kNames{"ok", "note", "warning", "unknown",
                                                         "fail"};
  return kNames[static_cast<std::size_t>(level)];
}

Level worst(const Findings& findings) {
  Level level = Level::ok;
  for (const Finding& finding : findings) level = std::max(level, finding.level);
  return level;
}

Level worst(const Findings& findings, Check check) {
  Level level = Level::ok;
  for (const Finding& finding : findings) {
    if (finding.check == check) level = std::max(level, finding.level);
  }
  return level;
}

}  // namespace signet::audit
