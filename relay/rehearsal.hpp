// Rehearsal: what a configuration makes of the mail of the last hour and of the configured domains,
// before it comes into force.
#pragma once

#include <string>
#include <vector>

#include "relay/explainer.hpp"
#include "relay/services.hpp"

namespace signet {

/// The outlook of each kind, in their order; those that every rule treats alike share one. What
/// the DNS does not say until `deadline` is unknown. All outlive the task.
[[nodiscard]] net::Task<std::vector<std::shared_ptr<const Outlook>>> outlooks_of(
    Explainer& explainer, net::Loop& loop, std::shared_ptr<const config::Settings> settings,
    std::vector<MailKind> kinds, SteadyTime deadline, Explainer::Judged judged);

class Rehearsal {
 public:
  /// Works on `loop`; both outlive it, and stop() is called on that loop's thread before it ends.
  Rehearsal(Services& services, net::Loop& loop)
      : services_(services),
        loop_(loop),
        explainer_({services.clock, loop, services.domains, services.resolver, services.suffixes,
                    services.router}) {}
  void stop() { explainer_.clear(); }

  /// Of the configuration in force: {"mail": [kind, with "messages", "last" and "outlook": a place
  /// in the list that follows], "outlooks": [{name: value}], "forgotten"}.
  [[nodiscard]] net::Task<nlohmann::json> recent();
  /// Why [reload] forbids `next` to come into force; empty: it does not.
  [[nodiscard]] net::Task<std::string> objection(std::shared_ptr<const config::Settings> next);

 private:
  /// Of the last hour, then those of configured domains that did not send.
  [[nodiscard]] std::vector<RecentMail::Entry> entries(const config::Settings& settings) const;

  Services& services_;
  net::Loop& loop_;
  Explainer explainer_;
};

}  // namespace signet
