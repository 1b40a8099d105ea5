// Where a recipient's mail goes: the route table (static), then hosts and addresses (DNS).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "relay/base/domain.hpp"
#include "relay/base/result.hpp"
#include "relay/net/resolver.hpp"

namespace signet::route {

enum class RoutedBy { nothing, domain, subdomains_of, fallback, order };

/// The route of a recipient domain, and by which of its settings. Null: none.
struct RouteMatch {
  const config::RouteSettings* route = nullptr;
  RoutedBy by = RoutedBy::nothing;
};
[[nodiscard]] RouteMatch match_route(const config::Settings& settings,
                                     const Domain& recipient_domain);

/// The route of a recipient domain: exact domain, then the longest `subdomains_of`, then the
/// default. Null: none.
[[nodiscard]] const config::RouteSettings* find_route(const config::Settings& settings,
                                                      const Domain& recipient_domain);

/// Null: none of that name.
[[nodiscard]] const config::RouteSettings* route_named(const config::Settings& settings,
                                                       std::string_view name);

/// The pool of a recipient: the route's, else the client's, else "default" (the first pool). Empty
/// name: no pool configured.
[[nodiscard]] std::string choose_pool(const config::Settings& settings,
                                      const config::RouteSettings& route,
                                      const config::ClientSettings* client);

/// Null: none of that name.
[[nodiscard]] const config::PoolSettings* find_pool(const config::Settings& settings,
                                                    const std::string& name);

/// One host of a destination, with the addresses to try in order.
struct Target {
  std::string host;  ///< Name for TLS and logs; an address in text where none is known.
  std::vector<IpAddress> addresses;  ///< IPv6 and IPv4 as resolved, interleaved, IPv6 first.
  std::uint16_t port = 25;
  bool security = false;  ///< MX and address answers were DNSSEC-secure (for DANE).
};

/// Knows the addresses of this machine and its listeners, so that mail does not go round.
class Router {
 public:
  Router(net::Resolver& resolver, bool allow_private_mx);
  /// The hosts to try, best first (RFC 5321 5.1: MX by preference, ties at random; then A/AAAA when
  /// no MX exists). Faults: dns_temporary, dns_bogus, dns_no_domain, null_mx, routing_loop,
  /// address_forbidden.
  [[nodiscard]] net::Task<Result<std::vector<Target>>> find_targets(
      net::Loop& loop, std::shared_ptr<const config::Settings> settings,
      const config::RouteSettings& route, Domain domain);
  /// Listener addresses: never delivered to through an MX. A wildcard stands for the addresses of
  /// all interfaces, now. Called before start.
  void add_own_endpoint(const Endpoint& endpoint);

 private:
  net::Resolver& resolver_;
  bool allow_private_mx_;
  std::vector<Endpoint> own_;
};

/// One address of the pool for a message: by weight, chosen by `random`; only those whose family
/// matches `v6`. Null: the system chooses (empty pool) — or, where the pool has addresses but none
/// of that family, a fault address_forbidden. Where `prefers` says yes to some, it is one of those.
[[nodiscard]] Result<const config::EgressAddress*> choose_egress(
    const config::PoolSettings* pool, bool v6, std::uint64_t random,
    const std::function<bool(const config::EgressAddress&)>& prefers = {});

}  // namespace signet::route
