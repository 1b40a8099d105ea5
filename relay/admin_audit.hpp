// AdminAudit: every change that somebody asked the admin API for, as a line of the audit log, and
// every answer as a count. Any thread.
#pragma once

#include "relay/admin/call.hpp"
#include "relay/services.hpp"

namespace signet {

class AdminAudit final : public admin::Auditor {
 public:
  explicit AdminAudit(Services& services) : services_(services) {}

  void answered(const admin::AuditFact& fact, bool is_audited) override {
    services_.metrics.admin_request(fact.status);
    if (fact.status == 429) services_.metrics.limit_hit("admin_requests");
    if (!is_audited) return;
    auto line = report::Fact("admin", services_.clock.now())
                    .with("by", fact.caller.name)
                    .with("from", fact.caller.from)
                    .with("method", fact.method)
                    .with("target", target(fact.target))
                    .with("status", std::int64_t{fact.status});
    services_.log.write(fact.detail.empty() ? std::move(line)
                                            : std::move(line).with("detail", fact.detail));
  }

 private:
  [[nodiscard]] std::string_view target(std::string_view asked) const {
    if (services_.log.addresses() != report::Addresses::whole)
      return report::plain_target(asked, kMaxTarget);
    return asked.substr(0, kMaxTarget);
  }

  static constexpr std::size_t kMaxTarget = 512;  // Octets; the rest is cut.
  Services& services_;
};

}  // namespace signet
