// AuditDriver: has every domain audited in its turn (monitoring/audit) and tells gauges and log.
//
// Domains are those of the store and those that the settings name. One at a time, on the control
// loop; questions share one pace. Runs only where [audit] is enabled.
#pragma once

#include <array>
#include <map>

#include "monitoring/audit/finding.hpp"
#include "monitoring/audit/inquiry.hpp"
#include "monitoring/audit/schedule.hpp"
#include "relay/services.hpp"

namespace signet {

class AuditDriver {
 public:
  /// `services` and `loop` outlive it; it is destroyed on the loop's thread, or when that has
  /// ended.
  AuditDriver(Services& services, net::Loop& loop);
  ~AuditDriver() { scope_.clear(); }
  void start() { scope_.spawn(run()); }

 private:
  using Levels = std::array<audit::Level, audit::kChecks>;

  net::Task<void> run();
  net::Task<void> list_domains();
  net::Task<void> audit(Domain domain);
  void tell(const Domain& domain, const audit::Findings& findings);
  void log_change(const Domain& domain, const audit::Findings& findings, audit::Check check);
  void count(const Levels& levels, std::int64_t change);
  void forget(const Domain& domain);

  Services& services_;
  net::Loop& loop_;
  std::chrono::seconds look_every_;
  std::chrono::seconds list_every_;
  audit::Pace pace_;
  audit::Schedule schedule_;
  std::map<Domain, Levels> results_;
  std::array<std::array<std::int64_t, audit::kLevels>, audit::kChecks> totals_{};
  net::TaskScope scope_;  // Last: tasks die before what they refer to.
};

}  // namespace signet
