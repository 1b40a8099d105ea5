#include "relay/relay_report.hpp"

#include <map>
#include <nlohmann/json.hpp>

#include "keys/key_set.hpp"

namespace signet {
namespace {

using nlohmann::json;

json describe(const config::EgressAddress& address) {
  return {{"bind", address.bind.to_string()},
          {"public", address.public_address.to_string()},
          {"helo", address.helo},
          {"weight", address.weight}};
}

json describe(const std::optional<ReloadHistory::Reload>& reload) {
  if (!reload) return nullptr;
  json described{{"at", keys::format_time(reload->at)}, {"applied", reload->problem.empty()}};
  if (!reload->problem.empty()) described["problem"] = reload->problem;
  return described;
}

struct Destination {
  schedule::Leases::Use use;
  std::optional<schedule::Backoff::Held> held;
};

json describe(const std::string& name, const Destination& destination, SteadyTime now) {
  json described{{"destination", name},
                 {"connections", destination.use.connections},
                 {"waiting", destination.use.waiting}};
  if (destination.held) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(destination.held->until - now);
    described["failures"] = destination.held->failures;
    described["backoff_seconds"] = std::max<std::int64_t>(left.count(), 0);
  }
  return described;
}

}  // namespace

json RelayReport::egress() const {
  json pools = json::array();
  for (const auto& pool : services_.current.get()->settings->pools) {
    json addresses = json::array();
    for (const auto& address : pool.addresses) addresses.push_back(describe(address));
    pools.push_back({{"name", pool.name}, {"addresses", std::move(addresses)}});
  }
  return {{"pools", std::move(pools)}};
}

json RelayReport::configuration() const {
  const ReloadHistory::State state = services_.reloads.get();
  return {{"version", SIGNET_VERSION},
          {"hostname", services_.current.get()->settings->hostname},
          {"generation", state.generation},
          {"since", keys::format_time(state.since)},
          {"last_reload", describe(state.last)},
          {"restart_needed", state.restart_needed}};
}

json RelayReport::destinations(const std::string& after, std::size_t limit) const {
  std::map<std::string, Destination> all;
  for (auto& use : services_.leases.list()) all[use.destination].use = use;
  for (auto& held : services_.backoff.list()) all[held.destination].held = held;
  json rows = json::array();
  auto next = all.upper_bound(after);
  for (; next != all.end() && rows.size() < limit; ++next) {
    rows.push_back(describe(next->first, next->second, services_.clock.steady()));
  }
  const bool is_end = next == all.end();
  const json last = is_end ? json() : rows.back()["destination"];
  return {{"destinations", std::move(rows)}, {"next", last}};
}

}  // namespace signet
