// The DNS questions of one evaluation: counted, against the clock, with the least time to live.
//
// For spf.cpp only.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "relay/align/spf.hpp"
#include "relay/base/result.hpp"

namespace signet::align {

/// A name the DNS can hold: labels of 1 to 63 octets, 253 in all.
[[nodiscard]] bool is_askable(std::string_view name);

class SpfQuestions {
 public:
  SpfQuestions(net::Resolver& resolver, net::Loop& loop, const SpfLimits& limits);

  /// `name` is askable. Faults: dns_temporary (a temperror: DNS error or no time left),
  /// bad_parameter (a permerror: too many questions).
  [[nodiscard]] net::Task<Result<net::DnsAnswer>> ask(std::string name, net::RecordType type);

  [[nodiscard]] bool is_late() const;
  /// Whether a question since the last call was answered by nothing. TXT does not count: it is the
  /// record of a domain, and a term whose record is missing is an error anyway.
  [[nodiscard]] bool take_void();
  void mark_void() { saw_void_ = true; }
  [[nodiscard]] std::chrono::seconds ttl() const;

 private:
  net::Resolver& resolver_;
  net::Loop& loop_;
  unsigned left_;
  std::chrono::steady_clock::time_point deadline_;
  std::optional<std::chrono::seconds> ttl_;
  bool saw_void_ = false;
};

}  // namespace signet::align
