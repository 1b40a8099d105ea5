// A worker's connection: from which address and to which host it is made, and what it may be used
// for.
#include <algorithm>

#include "keys/secret_file.hpp"
#include "relay/pipeline.hpp"
#include "relay/stopwatch.hpp"

namespace signet {
namespace {

constexpr std::size_t kMaxAddressesTried = 6;
constexpr const char* kSuspended = "Sending from this address is suspended by the operator";

bool is_suspended(const config::EgressAddress& egress, const Suspensions& suspensions) {
  return !suspensions.none() &&
         suspensions.find(SuspensionKind::egress, egress.public_address.to_string()).has_value();
}

config::PoolSettings without_suspended(const config::PoolSettings& pool,
                                       const Suspensions& suspensions) {
  config::PoolSettings usable{.name = pool.name, .addresses = {}};
  std::ranges::copy_if(pool.addresses, std::back_inserter(usable.addresses),
                       [&](const auto& each) { return !is_suspended(each, suspensions); });
  return usable;
}

config::TlsPolicy policy_for(const config::RouteSettings& route, bool is_required,
                             bool is_optional) {
  if (is_required) return config::TlsPolicy::verify;
  return is_optional ? config::TlsPolicy::may : route.tls;
}

Result<std::string> read_password(const std::filesystem::path& file) {
  const auto text = keys::read_group_secret(file);
  if (!text) return fail(Fault::configuration, "password file: " + text.error().detail);
  const std::string_view line = text->view().substr(0, text->view().find_first_of("\r\n"));
  if (line.empty())
    return fail(Fault::configuration, "password file " + file.string() + " is empty");
  return std::string(line);
}

}  // namespace

net::Task<Result<void>> Outbound::connect(Destination& destination,
                                          const config::RouteSettings& route,
                                          std::shared_ptr<const Snapshot> snapshot,
                                          ReversePath sender, Link& link) {
  if (link.connection) {
    services_.metrics.outbound_connection(-1);
    auto old = std::move(link.connection);
    co_await old->quit();
  }
  if (services_.backoff.not_before(destination.key) > services_.clock.steady()) {
    co_return fail(Fault::connect_failed, "destination is backing off",
                   "Connection to the mail host failed a moment ago");
  }
  const Stopwatch watch(services_, monitoring::Stage::route);
  auto targets =
      co_await services_.router.find_targets(loop_, snapshot->settings, route, destination.domain);
  watch.stop();
  if (!targets) co_return targets.failure();
  Result<void> last = fail(Fault::connect_failed, "no address to try");
  std::size_t tried = 0;
  for (const route::Target& target : *targets) {
    for (const IpAddress& address : target.addresses) {
      if (tried++ >= kMaxAddressesTried) break;
      auto connected =
          co_await connect_to(target, address, destination, route, *snapshot, sender, link);
      // An address we can't use must not turn the trouble of one we can into a failure for good.
      if (connected || tried == 1 || is_transient(connected.error().fault))
        last = std::move(connected);
      if (last) {
        services_.backoff.succeeded(destination.key);
        services_.metrics.outbound_connection(1);
        link.snapshot = snapshot;
        link.messages = 0;
        co_return last;
      }
    }
  }
  services_.backoff.failed(destination.key);
  co_return last;
}

Result<std::optional<config::EgressAddress>> Outbound::choose_egress(
    const Destination& destination, const IpAddress& next_hop, const config::Settings& settings,
    const ReversePath& sender) {
  const config::PoolSettings* pool = route::find_pool(settings, destination.pool);
  if (!pool && !destination.pool.empty())
    return fail(Fault::configuration, "pool " + destination.pool + " is gone");
  std::optional<config::PoolSettings> usable;
  if (pool && !services_.suspensions.none())
    usable = without_suspended(*pool, services_.suspensions);
  const bool is_any_suspended = usable && usable->addresses.size() < pool->addresses.size();
  const auto chosen = route::choose_egress(
      usable ? &*usable : pool, next_hop.is_v6(), random(),
      [&](const config::EgressAddress& each) { return is_listed(sender, each); });
  if (is_any_suspended && (!chosen || usable->addresses.empty()))
    return fail(Fault::destination_busy, "suspended", kSuspended);
  if (!chosen) return chosen.failure();
  if (*chosen == nullptr) return std::optional<config::EgressAddress>();
  return std::optional(**chosen);
}

net::Task<Result<void>> Outbound::connect_to(const route::Target& target, const IpAddress& address,
                                             const Destination& destination,
                                             const config::RouteSettings& route,
                                             const Snapshot& snapshot, const ReversePath& sender,
                                             Link& link) {
  // A next hop that is configured is known by its name; one that the DNS names must be so by DNSSEC
  // (RFC 8689 4.2.1).
  const bool is_required = destination.tls_need == TlsNeed::required;
  if (is_required && route.kind == config::RouteKind::mx && !target.security)
    co_return fail(Fault::peer_lacks_requiretls, target.host + " is named without DNSSEC");
  auto egress = choose_egress(destination, address, *snapshot.settings, sender);
  if (!egress) co_return egress.failure();
  deliver::ConnectOptions options{
      .host = target.host,
      .endpoint = {address, target.port},
      .bind = *egress ? std::optional((*egress)->bind) : std::nullopt,
      .helo = *egress && !(*egress)->helo.empty() ? (*egress)->helo : snapshot.settings->hostname,
      .tls = policy_for(route, is_required, destination.tls_need == TlsNeed::optional),
      .implicit_tls = route.implicit_tls,
      .user = route.user,
      .password = {},
      .tls_settings = snapshot.client_tls,
      .timeouts = snapshot.settings->timeouts};
  if (!route.user.empty()) {
    auto password = co_await net::run_on(
        services_.pool, loop_, [file = route.password_file] { return read_password(file); });
    if (!password) co_return password.failure();
    options.password = std::move(*password);
  }
  auto connection = co_await deliver::Connection::open(loop_, std::move(options));
  if (!connection) co_return connection.failure();
  link.connection = std::move(*connection);
  if (const auto& tls = link.connection->tls())
    services_.metrics.tls_handshake("out", tls->version);
  link.host = target.host + " [" + address.to_string() + "]";
  link.egress = link.connection->local().address.to_string();
  link.chosen = std::move(*egress);
  if (!is_required) co_return Result<void>{};
  auto checked = co_await check_requiretls(link);
  co_return checked;
}

net::Task<Result<void>> Outbound::check_requiretls(Link& link) {
  if (link.connection->capabilities().require_tls) co_return Result<void>{};
  auto connection = std::move(link.connection);
  co_await connection->quit();
  co_return fail(Fault::peer_lacks_requiretls, link.host + " does not offer it");
}

bool Outbound::is_listed(const ReversePath& sender, const config::EgressAddress& egress) {
  return pipeline_.aligning().known_spf(sender, egress) == align::SpfOutcome::pass;
}

bool Outbound::suits(const Link& link, const Destination& destination, const Delivery& delivery) {
  const ReversePath& sender = delivery.record().envelope.sender;
  if (link.chosen && is_suspended(*link.chosen, services_.suspensions)) return false;
  if (!link.chosen || is_listed(sender, *link.chosen)) return true;
  const config::PoolSettings* pool =
      route::find_pool(*delivery.snapshot->settings, destination.pool);
  return pool == nullptr || std::ranges::none_of(pool->addresses, [&](const auto& each) {
           return each.bind.is_v6() == link.chosen->bind.is_v6() && is_listed(sender, each) &&
                  !is_suspended(each, services_.suspensions);
         });
}

}  // namespace signet
