// What an audit of a domain finds: one finding for each thing looked at.
//
// Names of checks and results are labels of metrics and words of the JSON output: they stay.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace signet::audit {

enum class Check { spf, dkim, dmarc, reports, mx, reverse_dns, helo, tls_rpt, mta_sts, bimi };
inline constexpr std::size_t kChecks = 10;
[[nodiscard]] std::string_view name_of(Check check);

/// From best to worst.
enum class Level {
  ok,
  note,     ///< Worth knowing; nothing is missing.
  warning,  ///< Mail is accepted today; somebody should look at it.
  unknown,  ///< The DNS did not say.
  fail
};
inline constexpr std::size_t kLevels = 5;
[[nodiscard]] std::string_view name_of(Level level);

struct Finding {
  Check check = Check::spf;
  Level level = Level::ok;
  std::string subject = {};  ///< An address, a name of the DNS or a URI; empty: the domain itself.
  std::string words = {};    ///< Printable ASCII, one line.
  std::vector<std::string> publish = {};  ///< The records that mend it, as lines of a zone file.
};
using Findings = std::vector<Finding>;

/// ok when there are none.
[[nodiscard]] Level worst(const Findings& findings);
/// Of one check; ok when it has none.
[[nodiscard]] Level worst(const Findings& findings, Check check);

}  // namespace signet::audit
