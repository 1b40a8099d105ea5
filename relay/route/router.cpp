#include "relay/route/router.hpp"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "relay/route/search.hpp"

namespace signet::route {
namespace {

using Interfaces = std::unique_ptr<ifaddrs, decltype(&freeifaddrs)>;

std::vector<IpAddress> interface_addresses() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return {};
  const Interfaces interfaces(list, &freeifaddrs);
  std::vector<IpAddress> addresses;
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    const int family = one->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    sockaddr_storage storage{};
    std::memcpy(&storage, one->ifa_addr,
                family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    addresses.push_back(Endpoint::from_sockaddr(storage).address);
  }
  return addresses;
}

bool is_wildcard(const IpAddress& address) {
  return std::ranges::all_of(address.bytes(), [](char octet) { return octet == 0; });
}

// Our listeners, and their ports at the public addresses we send from: behind address translation
// an MX may lead to those.
std::vector<Endpoint> endpoints_of(const std::vector<Endpoint>& listeners,
                                   const config::Settings& settings) {
  std::vector<Endpoint> all = listeners;
  for (const Endpoint& listener : listeners) {
    for (const config::PoolSettings& pool : settings.pools) {
      for (const config::EgressAddress& egress : pool.addresses) {
        all.push_back({egress.public_address, listener.port});
      }
    }
  }
  return all;
}

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

}  // namespace

Router::Router(net::Resolver& resolver, bool allow_private_mx)
    : resolver_(resolver), allow_private_mx_(allow_private_mx) {}

net::Task<Result<std::vector<Target>>> Router::find_targets(
    net::Loop& loop, std::shared_ptr<const config::Settings> settings,
    const config::RouteSettings& route, Domain domain) {
  if (route.kind == config::RouteKind::host) {
    Search search(resolver_, loop, {route.port, true, {}, {}});
    auto found = co_await search.by_hosts(route.hosts);
    co_return found;
  }
  const std::vector<Endpoint> own = endpoints_of(own_, *settings);
  const std::string own_name = lower_case(settings->hostname);
  const bool allow_special = allow_private_mx_ || settings->allow_private_mx;
  Search search(resolver_, loop, {route.port, allow_special, own, own_name});
  auto found = co_await search.by_mx(domain.text());
  co_return found;
}

void Router::add_own_endpoint(const Endpoint& endpoint) {
  if (!is_wildcard(endpoint.address)) {
    own_.push_back(endpoint);
    return;
  }
  for (const IpAddress& address : interface_addresses()) own_.push_back({address, endpoint.port});
}

}  // namespace signet::route
