// When each domain is audited: soon after it is known, then every hour where it is in use, else
// every day. Spread out: the first turns are, and each later one is that of the last and the
// interval. Pure; time is given.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <vector>

#include "relay/base/clock.hpp"
#include "relay/base/domain.hpp"

namespace signet::audit {

struct Intervals {
  std::chrono::seconds used = std::chrono::hours(1);
  std::chrono::seconds unused = std::chrono::hours(24);
};

class Schedule {
 public:
  explicit Schedule(Intervals intervals) : intervals_(intervals) {}

  /// `domains`: sorted. Returns those that are no longer among them.
  std::vector<Domain> set_domains(const std::vector<Domain>& domains, SteadyTime now);
  [[nodiscard]] bool is_due(const Domain& domain, bool is_used, SteadyTime now) const;
  /// It was begun at that time.
  void begun(const Domain& domain, SteadyTime now);
  [[nodiscard]] std::vector<Domain> domains() const;

 private:
  struct Turn {
    SteadyTime first;
    std::optional<SteadyTime> last = {};
  };
  Intervals intervals_;
  std::map<Domain, Turn> turns_;
};

}  // namespace signet::audit
