// The DNS Tree Walk of DMARC (RFC 9989 4.10): from a domain towards the root, at most 8 queries.
//
// One walk answers for a domain which policy applies to it as an Author Domain and what its
// Organizational Domain is. Names and selection are pure; only walk() asks the DNS.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "relay/align/dmarc_record.hpp"
#include "relay/base/domain.hpp"
#include "relay/net/resolver.hpp"

namespace signet::align {

struct WalkStep {
  std::string domain;  ///< Its record would be at "_dmarc." and this.
  std::optional<DmarcRecord> record;
};

struct Walk {
  std::vector<WalkStep> steps;  ///< In the order asked; the first is the start.
  std::string error = {};       ///< Not empty: a query failed, so there are no further steps.
  std::chrono::seconds ttl{0};  ///< The least of all answers.

  [[nodiscard]] bool failed() const { return !error.empty(); }
  [[nodiscard]] const std::string& start() const { return steps.front().domain; }
};

/// The domains of a walk, the start first: all labels, then at most 7, one less each time.
[[nodiscard]] std::vector<std::string> walk_domains(const std::string& start);

/// 4.10.2. Of a walk that failed: nothing.
[[nodiscard]] std::optional<std::string> organizational_domain(const Walk& walk);

/// A query that fails ends the walk, with its error in the result.
[[nodiscard]] net::Task<Walk> walk(net::Resolver& resolver, net::Loop& loop, Domain start);

/// The DMARC record at one domain. Fault: dns_temporary, dns_bogus.
struct RecordAnswer {
  std::optional<DmarcRecord> record;
  std::chrono::seconds ttl{0};
};
[[nodiscard]] net::Task<Result<RecordAnswer>> ask_dmarc_record(net::Resolver& resolver,
                                                               net::Loop& loop, std::string domain);

}  // namespace signet::align
