// Inquiry: a resolver for one survey. Asks each question once, and takes its turn before each.
//
// An SPF record is evaluated for every address of a pool: what is asked for the first is known for
// the others. Used on one loop.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "relay/base/clock.hpp"
#include "relay/net/resolver.hpp"

namespace signet::audit {

/// Turns at most so often, without a burst after a pause.
class Pace {
 public:
  explicit Pace(unsigned per_second) : every_(std::chrono::microseconds(1'000'000 / per_second)) {}
  /// Takes the next turn; returns how long it is until then.
  [[nodiscard]] std::chrono::milliseconds reserve(SteadyTime now) {
    const SteadyTime turn = std::max(next_, now);
    next_ = turn + every_;
    return std::chrono::ceil<std::chrono::milliseconds>(turn - now);
  }

 private:
  std::chrono::microseconds every_;
  SteadyTime next_ = {};
};

class Inquiry final : public net::Resolver {
 public:
  /// All outlive it; without a pace nothing waits for a turn.
  Inquiry(net::Resolver& resolver, const Clock& clock, Pace* pace)
      : resolver_(resolver), clock_(clock), pace_(pace) {}

  [[nodiscard]] net::Task<Result<net::DnsAnswer>> resolve(net::Loop& loop, std::string name,
                                                          net::RecordType type) override;
  [[nodiscard]] bool validates() const override { return resolver_.validates(); }

 private:
  struct Question {
    explicit Question(net::Loop& loop) : answered(loop) {}
    net::Event answered;
    std::optional<Result<net::DnsAnswer>> answer = {};
  };

  net::Resolver& resolver_;
  const Clock& clock_;
  Pace* pace_;
  std::map<std::pair<std::string, net::RecordType>, Question> questions_;
};

}  // namespace signet::audit
