// Observation: metrics, health and the admin API of a running relay, on a loop of their own.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "monitoring/exporter.hpp"
#include "monitoring/health.hpp"
#include "relay/admin/api.hpp"
#include "relay/admin/key_api.hpp"
#include "relay/admin/operator_api.hpp"
#include "relay/admin/queue_api.hpp"
#include "relay/admin/state_api.hpp"
#include "relay/admin_audit.hpp"
#include "relay/key_service.hpp"
#include "relay/net/loop.hpp"
#include "relay/relay_report.hpp"
#include "relay/services.hpp"

namespace signet {

/// Who does what the operator asks for.
struct Operations {
  admin::QueueControl& queue;
  admin::Explanations& explanations;
  admin::OperatorControl& control;
};

class Observation {
 public:
  /// Fault: configuration (the address can't be bound).
  [[nodiscard]] static Result<std::unique_ptr<Observation>> open(Services& services,
                                                                 Operations operations);

  /// Where "monitoring" and "admin" listen; without what is not configured.
  [[nodiscard]] std::vector<std::pair<std::string, Endpoint>> endpoints() const;
  [[nodiscard]] monitoring::Health& health() { return health_; }
  /// No order comes in any more; those under way may end, or be dropped.
  void stop_api();

 private:
  Observation(Services& services, Operations operations);
  void add_gauges();
  void add_checks();
  [[nodiscard]] Result<void> open_exporter();
  [[nodiscard]] Result<void> open_api();

  Services& services_;
  net::LoopThread thread_{"signet-admin"};
  monitoring::Health health_;
  std::unique_ptr<monitoring::Exporter> exporter_;
  AdminAudit audit_;
  KeyService key_service_;
  RelayReport report_;
  admin::Api api_;
  admin::QueueApi queue_api_;
  admin::OperatorApi operator_api_;
  admin::KeyApi key_api_;
  admin::StateApi state_api_;
  // Their threads end before what they use. Orders about keys wait for the DNS: reads must not wait
  // for them.
  net::BlockingPool reads_{2};
  net::BlockingPool orders_{2};
  std::unique_ptr<net::HttpServer> socket_;
  std::unique_ptr<net::HttpServer> tcp_;
};

/// `webhook` outlives the metrics' last scrape.
void add_webhook_metrics(monitoring::Metrics& metrics, const report::Webhook& webhook);

}  // namespace signet
