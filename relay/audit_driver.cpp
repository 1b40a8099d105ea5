#include "relay/audit_driver.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "monitoring/audit/checks.hpp"
#include "monitoring/audit/survey.hpp"

namespace signet {
namespace {

using audit::Check;
using audit::Level;

constexpr std::chrono::seconds kInUse = std::chrono::hours(24);
constexpr std::chrono::seconds kLookEvery{5};
constexpr std::chrono::seconds kListEvery = std::chrono::minutes(1);
constexpr std::size_t kMaxDomains = 100000;  // At 50 questions a second more would take days.

constexpr Check check_at(std::size_t i) { return static_cast<Check>(i); }

double gauge_of(Level level) {
  if (level == Level::unknown) return -1;
  return level == Level::fail ? 0 : 1;
}

}  // namespace

AuditDriver::AuditDriver(Services& services, net::Loop& loop)
    : services_(services),
      loop_(loop),
      look_every_(std::min(services.current.get()->settings->audit.used_every, kLookEvery)),
      list_every_(std::min(services.current.get()->settings->audit.used_every, kListEvery)),
      pace_(services.current.get()->settings->audit.queries_per_second),
      schedule_({.used = services.current.get()->settings->audit.used_every,
                 .unused = services.current.get()->settings->audit.unused_every}) {}

net::Task<void> AuditDriver::run() {
  SteadyTime next_list = services_.clock.steady();
  for (;;) {
    if (services_.clock.steady() >= next_list) {
      co_await list_domains();
      next_list = services_.clock.steady() + list_every_;
    }
    for (const Domain& domain : schedule_.domains()) {
      const bool is_used = services_.domains.used_within(domain, kInUse);
      if (!schedule_.is_due(domain, is_used, services_.clock.steady())) continue;
      schedule_.begun(domain, services_.clock.steady());
      co_await audit(domain);
    }
    co_await loop_.sleep(look_every_);
  }
}

net::Task<void> AuditDriver::list_domains() {
  const auto stored = co_await net::run_on(services_.pool, loop_,
                                           [&store = services_.domains] { return store.list(); });
  if (!stored) spdlog::error("audit: {}", stored.error().detail);
  if (!stored) co_return;
  auto domains = audit::named_domains(*services_.current.get()->settings);
  domains.insert(domains.end(), stored->begin(), stored->end());
  std::ranges::sort(domains);
  domains.erase(std::ranges::unique(domains).begin(), domains.end());
  if (domains.size() > kMaxDomains) {
    services_.metrics.limit_hit("audit_domains");
    domains.erase(domains.begin() + kMaxDomains, domains.end());
  }
  for (const Domain& gone : schedule_.set_domains(domains, services_.clock.steady())) forget(gone);
}

net::Task<void> AuditDriver::audit(Domain domain) {
  const auto settings = services_.current.get()->settings;
  auto subject = co_await net::run_on(
      services_.pool, loop_, [settings, domain] { return audit::read_subject(*settings, domain); });
  const audit::Facts facts = co_await audit::survey(services_.resolver, loop_, services_.clock,
                                                    &pace_, std::move(subject));
  tell(domain, audit::check_all(facts));
}

void AuditDriver::tell(const Domain& domain, const audit::Findings& findings) {
  services_.metrics.audited();
  const auto known = results_.find(domain);
  if (known != results_.end()) count(known->second, -1);
  Levels levels{};
  for (std::size_t i = 0; i < audit::kChecks; ++i) {
    levels[i] = audit::worst(findings, check_at(i));
    services_.metrics.audit_check(domain.text(), name_of(check_at(i)), gauge_of(levels[i]));
    const bool failed = known != results_.end() && known->second[i] == Level::fail;
    if (failed != (levels[i] == Level::fail)) log_change(domain, findings, check_at(i));
  }
  results_.insert_or_assign(domain, levels);
  count(levels, 1);
}

void AuditDriver::log_change(const Domain& domain, const audit::Findings& findings, Check check) {
  const Level level = audit::worst(findings, check);
  const auto found = std::ranges::find_if(findings, [&](const audit::Finding& finding) {
    return finding.check == check && finding.level == level;
  });
  if (found == findings.end()) return;
  services_.log.write(report::Fact("audit", services_.clock.now())
                          .with("domain", domain.text())
                          .with("check", name_of(check))
                          .with("result", name_of(level))
                          .with("subject", found->subject)
                          .with("words", found->words));
}

void AuditDriver::count(const Levels& levels, std::int64_t change) {
  for (std::size_t i = 0; i < audit::kChecks; ++i) {
    const auto level = static_cast<std::size_t>(levels[i]);
    totals_[i][level] += change;
    services_.metrics.audit_domains(name_of(check_at(i)), name_of(levels[i]), totals_[i][level]);
  }
}

void AuditDriver::forget(const Domain& domain) {
  services_.metrics.audit_forgotten(domain.text());
  const auto known = results_.find(domain);
  if (known == results_.end()) return;
  count(known->second, -1);
  results_.erase(known);
}

}  // namespace signet
