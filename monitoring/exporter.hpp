// The monitoring listener: /metrics, /healthz, /readyz. Read-only, without a token.
//
// On a loop of its own, so that a busy relay still answers, and a slow scraper delays no mail.
#pragma once

#include <memory>

#include "monitoring/health.hpp"
#include "monitoring/metrics.hpp"
#include "relay/net/http_server.hpp"

namespace signet::monitoring {

class Exporter {
 public:
  /// `loop` runs already; it, `metrics` and `health` outlive the exporter. Fault: configuration.
  [[nodiscard]] static Result<std::unique_ptr<Exporter>> open(net::Loop& loop,
                                                              const Endpoint& listen,
                                                              const Metrics& metrics,
                                                              const Health& health);
  [[nodiscard]] Endpoint endpoint() const { return server_->endpoint(); }

 private:
  explicit Exporter(std::unique_ptr<net::HttpServer> server) : server_(std::move(server)) {}
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace signet::monitoring
