// What a peer's LIMITS (RFC 9422 4) leave of a connection. Pure: counts, and never waits.
#pragma once

#include <set>
#include <vector>

#include "relay/base/domain.hpp"
#include "relay/smtp/reply.hpp"

namespace signet::deliver {

class Allowance {
 public:
  explicit Allowance(const smtp::PeerLimits& limits) : limits_(limits) {}

  /// For the next transaction, counted as begun: the positions in `recipients` (their domains) that
  /// may take part, in order. Empty: it needs another connection; a fresh one always takes some.
  [[nodiscard]] std::vector<std::size_t> admit(const std::vector<Domain>& recipients);

 private:
  [[nodiscard]] bool admit_domain(const Domain& domain);

  smtp::PeerLimits limits_;
  std::uint32_t transactions_ = 0;
  std::set<Domain> domains_;  // Seen in this session; kept only where they are limited.
};

}  // namespace signet::deliver
