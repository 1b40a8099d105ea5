// RunningExplanations: what the relay that runs knows of a message: the explainer's answer, the
// attempts of the delivery log, and what holds its destination back now.
#pragma once

#include "relay/explainer.hpp"
#include "relay/services.hpp"

namespace signet {

class RunningExplanations final : public admin::Explanations {
 public:
  /// Works on `loop`; both outlive it, and stop() is called on that loop's thread before it ends.
  RunningExplanations(Services& services, net::Loop& loop)
      : services_(services),
        loop_(loop),
        explainer_({services.clock, loop, services.domains, services.resolver, services.suffixes,
                    services.router}) {}
  void stop() {
    scope_.clear();
    explainer_.clear();
  }

  void explain(QueueId id, Done done) override;
  void explain(admin::Hypothesis asked, Done done) override;

 private:
  net::Task<void> run(QueueId id, Done done);
  net::Task<void> run(admin::Hypothesis asked, Done done);
  void add_state_of_destinations(const spool::Message& message, nlohmann::json& told) const;

  [[nodiscard]] std::string suspended(const config::Settings& settings, const spool::Record& record,
                                      const spool::RecipientState& recipient) const;

  Services& services_;
  net::Loop& loop_;
  Explainer explainer_;
  net::TaskScope scope_;
};

}  // namespace signet
