// Observation: metrics, health and the admin socket of a running relay, on a loop of their own.
#pragma once

#include <memory>
#include <optional>

#include "monitoring/exporter.hpp"
#include "monitoring/health.hpp"
#include "relay/admin/operator_api.hpp"
#include "relay/admin/queue_api.hpp"
#include "relay/net/loop.hpp"
#include "relay/services.hpp"

namespace signet {

/// What the operator may have done, by whom.
struct Operations {
  admin::QueueControl& queue;
  admin::Explanations& explanations;
};

class Observation {
 public:
  /// Fault: configuration (the address can't be bound).
  [[nodiscard]] static Result<std::unique_ptr<Observation>> open(Services& services,
                                                                 Operations operations);

  /// Where /metrics is; nothing when not configured.
  [[nodiscard]] std::optional<Endpoint> endpoint() const;
  [[nodiscard]] monitoring::Health& health() { return health_; }

 private:
  Observation(Services& services, Operations operations)
      : services_(services),
        api_(services.spool, services.pool, operations.queue, services.clock),
        operator_api_(operations.explanations) {}
  void answer(net::HttpExchange exchange);
  void add_gauges();
  void add_checks();

  Services& services_;
  net::LoopThread thread_{"signet-admin"};
  monitoring::Health health_;
  std::unique_ptr<monitoring::Exporter> exporter_;
  admin::QueueApi api_;
  admin::OperatorApi operator_api_;
  std::unique_ptr<net::HttpServer> socket_;
};

}  // namespace signet
