#include <algorithm>

#include "relay/route/router.hpp"

namespace signet::route {
namespace {

bool lists(const config::RouteSettings& route, const Domain& domain) {
  return std::ranges::find(route.domains, domain) != route.domains.end();
}

// The length of the longest parent that is the domain's; 0: none.
std::size_t parent_length(const config::RouteSettings& route, const Domain& domain) {
  std::size_t longest = 0;
  for (const Domain& parent : route.subdomains_of) {
    if (domain != parent && domain.is_within(parent)) {
      longest = std::max(longest, parent.text().size());
    }
  }
  return longest;
}

}  // namespace

RouteMatch match_route(const config::Settings& settings, const Domain& recipient_domain) {
  RouteMatch best;
  std::size_t longest = 0;
  for (const config::RouteSettings& route : settings.routes) {
    if (lists(route, recipient_domain)) return {&route, RoutedBy::domain};
    const std::size_t length = parent_length(route, recipient_domain);
    if (length > longest) {
      best = {&route, RoutedBy::subdomains_of};
    } else if (best.route == nullptr && route.is_default) {
      best = {&route, RoutedBy::fallback};
    }
    longest = std::max(longest, length);
  }
  return best;
}

const config::RouteSettings* find_route(const config::Settings& settings,
                                        const Domain& recipient_domain) {
  return match_route(settings, recipient_domain).route;
}

std::string choose_pool(const config::Settings& settings, const config::RouteSettings& route,
                        const config::ClientSettings* client) {
  if (!route.pool.empty()) return route.pool;
  if (client != nullptr && !client->pool.empty()) return client->pool;
  const auto named = std::ranges::find(settings.pools, "default", &config::PoolSettings::name);
  if (named != settings.pools.end()) return named->name;
  return settings.pools.empty() ? std::string() : settings.pools.front().name;
}

const config::RouteSettings* route_named(const config::Settings& settings, std::string_view name) {
  const auto found = std::ranges::find(settings.routes, name, &config::RouteSettings::name);
  return found == settings.routes.end() ? nullptr : &*found;
}

const config::PoolSettings* find_pool(const config::Settings& settings, const std::string& name) {
  const auto found = std::ranges::find(settings.pools, name, &config::PoolSettings::name);
  return found == settings.pools.end() ? nullptr : &*found;
}

Result<const config::EgressAddress*> choose_egress(
    const config::PoolSettings* pool, bool v6, std::uint64_t random,
    const std::function<bool(const config::EgressAddress&)>& prefers) {
  if (pool == nullptr || pool->addresses.empty()) {
    return static_cast<const config::EgressAddress*>(nullptr);
  }
  const auto is_usable = [v6](const config::EgressAddress& address) {
    return address.bind.is_v6() == v6 && address.weight > 0;
  };
  const auto is_preferred = [&](const config::EgressAddress& address) {
    return is_usable(address) && prefers && prefers(address);
  };
  const bool has_preferred = std::ranges::any_of(pool->addresses, is_preferred);
  std::vector<const config::EgressAddress*> choices;
  std::uint64_t total = 0;
  for (const auto& address : pool->addresses) {
    if (!(has_preferred ? is_preferred(address) : is_usable(address))) continue;
    choices.push_back(&address);
    total += address.weight;
  }
  std::uint64_t left = total == 0 ? 0 : random % total;
  for (const auto* address : choices) {
    if (left < address->weight) return address;
    left -= address->weight;
  }
  return fail(Fault::address_forbidden,
              "pool " + pool->name + " has no " + (v6 ? "IPv6" : "IPv4") + " address in use");
}

}  // namespace signet::route
