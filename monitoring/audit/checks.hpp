// The checks of an audit: what the DNS said, judged. Pure functions.
//
// RFC 7208 (SPF), RFC 6376 (DKIM keys), RFC 9989 and 9990 (DMARC and its reports), RFC 7505 (null
// MX), RFC 1912 2.1 (reverse DNS), RFC 5321 4.1.4 (HELO), RFC 8460 (TLS-RPT), RFC 8461 (MTA-STS).
#pragma once

#include "monitoring/audit/facts.hpp"
#include "monitoring/audit/finding.hpp"

namespace signet::audit {

/// From this many of the 10 lookups on, there is a warning.
inline constexpr unsigned kManyLookups = 8;

[[nodiscard]] Findings check_spf(const Facts& facts);
[[nodiscard]] Findings check_keys(const Facts& facts);
[[nodiscard]] Findings check_dmarc(const Facts& facts);
[[nodiscard]] Findings check_reports(const Facts& facts);
[[nodiscard]] Findings check_mail_hosts(const Facts& facts);
[[nodiscard]] Findings check_reverse_dns(const Facts& facts);
[[nodiscard]] Findings check_helo(const Facts& facts);
[[nodiscard]] Findings check_tls_rpt(const Facts& facts);
[[nodiscard]] Findings check_mta_sts(const Facts& facts);
[[nodiscard]] Findings check_bimi(const Facts& facts);

/// All of them, in the order of Check; at least one finding for each check.
[[nodiscard]] Findings check_all(const Facts& facts);

}  // namespace signet::audit
