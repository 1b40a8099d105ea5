// The admin API under /v1: JSON in, JSON out. This is its door; openapi.json says what is behind.
//
// Who comes through TCP shows a bearer token. Who comes through the Unix socket is known by the
// kernel, and let in by the socket's mode; a token, if one is shown there, counts instead. Then:
// the rate, the size, the route, the scope, the parameters, the body; what fails answers with
// problem details (RFC 9457) and has no effect. Handlers never block the loop: what does goes to a
// pool.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "relay/admin/call.hpp"
#include "relay/admin/route_table.hpp"
#include "relay/admin/tokens.hpp"
#include "relay/base/clock.hpp"
#include "relay/base/rate_limit.hpp"

namespace signet::admin {

/// What openapi.json holds.
[[nodiscard]] std::string_view openapi_text();

class Api {
 public:
  /// What may change at a reload.
  struct Policy {
    std::shared_ptr<const Tokens> tokens;  ///< Shared with the configuration's generation.
    std::uint32_t requests_per_second = 50;
  };
  using Policies = std::function<Policy()>;

  /// All outlive it and its last exchange.
  Api(Policies policies, Auditor& auditor, const Clock& clock);

  [[nodiscard]] RouteTable& routes() { return routes_; }
  /// On the admin loop.
  void answer(net::HttpExchange exchange);
  [[nodiscard]] net::HttpServer::Handler handler() {
    return [this](net::HttpExchange exchange) { answer(std::move(exchange)); };
  }

 private:
  [[nodiscard]] std::optional<Caller> identify(const net::HttpRequest& request,
                                               const Policy& policy) const;
  void turn_away(Call call, std::uint32_t per_second);
  [[nodiscard]] bool is_within_rate(const Call& call, std::uint32_t per_second);
  void dispatch(Call call);

  Policies policies_;
  Auditor& auditor_;
  const Clock& clock_;
  RouteTable routes_;
  std::map<std::string, RateLimit> rates_;  // By token: as many as the file has had.
  RateLimit failures_;                      // Of all who show no right token.
};

}  // namespace signet::admin
