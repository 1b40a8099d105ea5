// check_host(): what SPF (RFC 7208) says of one address that sends for one domain, and why.
//
// Asks the DNS through the resolver, which follows CNAMEs, joins UDP and TCP, and keeps its cache;
// nothing is cached here. The text of exp= is fetched by explain() only: the relay has no use for
// the words of others.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "relay/align/spf_outcome.hpp"
#include "relay/base/ip_address.hpp"
#include "relay/net/loop.hpp"
#include "relay/net/resolver.hpp"
#include "relay/net/task.hpp"

namespace signet::align {

struct SpfQuestion {
  IpAddress address;
  std::string sender_local;   ///< Empty: "postmaster" (RFC 7208 4.3).
  std::string sender_domain;  ///< Null sender: the HELO domain (RFC 7208 2.4). U-labels are taken.
  std::string helo;
};

/// RFC 7208 4.6.4.
struct SpfLimits {
  unsigned lookups = 10;      ///< Terms that ask the DNS: include, a, mx, ptr, exists, redirect.
  unsigned void_lookups = 2;  ///< Terms with a question answered by no such name, or no records.
  unsigned mx_names = 10;     ///< More in one answer: permerror.
  unsigned ptr_names = 10;    ///< More in one answer are ignored.
  unsigned questions = 128;   ///< To the resolver in all; the limits above allow 122.
  std::chrono::milliseconds deadline = std::chrono::seconds(20);  ///< For all; then temperror.
};

struct SpfResult {
  SpfOutcome outcome = SpfOutcome::none;
  /// That matched or failed, as written, cut when very long; empty when none did or the record as
  /// a whole is at fault.
  std::string term;
  /// The domains by include and redirect to the one whose record decided; never empty.
  std::vector<std::string> chain;
  std::string reason;             ///< In words, printable ASCII, no end of line.
  unsigned lookups = 0;           ///< One over the limit when that is the reason.
  unsigned void_lookups = 0;      ///< The same.
  std::chrono::seconds ttl{0};    ///< The least of all answers used, not clamped.
  bool depends_on_local = false;  ///< A macro used the sender's local part: good for it alone.
  /// Where an explanation is to be had: the domain-spec of exp= as written, and its <domain>. Only
  /// with fail; empty when there is none.
  std::string explanation;
  std::string explanation_domain;
};

/// `resolver` and `loop` outlive the task.
[[nodiscard]] net::Task<SpfResult> check_host(net::Resolver& resolver, net::Loop& loop,
                                              SpfQuestion question, SpfLimits limits);

/// The explanation that goes with `result` (RFC 7208 6.2): words of a stranger, printable ASCII.
/// Empty when there is none or it is not usable.
[[nodiscard]] net::Task<std::string> explain(net::Resolver& resolver, net::Loop& loop,
                                             SpfQuestion question, SpfResult result,
                                             SpfLimits limits);

}  // namespace signet::align
