#include "relay/front_door.hpp"

#include <algorithm>

#include "relay/accept/password.hpp"

namespace signet {

net::Task<Result<void>> FrontDoor::authenticate(net::Loop& loop, const accept::SessionFacts& facts,
                                                std::string user, std::string password) {
  const IpAddress from = facts.remote.address;
  auto granted = guesses_.take(from, user);
  if (!granted) {
    services_.metrics.limit_hit("password_guesses");
    co_return granted;
  }
  const auto settings = this->settings();
  const auto found = std::ranges::find(settings->users, user, &config::UserSettings::name);
  std::string hash =
      found == settings->users.end() ? accept::hash_for_unknown_user() : found->password;
  const bool known = found != settings->users.end();
  const bool matches = co_await net::run_on(
      services_.passwords, loop, [hash = std::move(hash), password = std::move(password)] {
        return accept::check_password(hash, password);
      });
  if (known && matches) {
    guesses_.succeeded(from, user);
    co_return Result<void>{};
  }
  const auto delay = guesses_.failed(from);
  if (delay.count() > 0) co_await loop.sleep(delay);
  co_return fail(Fault::auth_failed, "user " + user);
}

net::Task<Result<ReversePath>> FrontDoor::mail(const accept::SessionFacts& facts,
                                               ReversePath sender) {
  const auto settings = facts.settings;
  const config::ClientSettings* client = authorise::find_client(*settings, facts.peer);
  if (!client) co_return fail(Fault::client_unknown, facts.peer.address.to_string());
  auto counted = count_connection(facts, *client);
  if (!counted) co_return counted.failure();
  if (services_.spool.broken()) co_return fail(Fault::spool_failed, "spool refuses writes");
  if (services_.spool.is_disk_short()) {
    services_.metrics.limit_hit("disk");
    co_return fail(Fault::disk_short);
  }
  if (services_.log.is_behind()) co_return fail(Fault::local_error, "delivery log is behind");
  if (sender) sender = authorise::rewrite(*settings, *sender);
  bool in_store = false;
  if (sender && client->all_domains) in_store = co_await is_in_store(settings, sender->domain);
  auto allowed = authorise::check_sender(*client, sender, in_store);
  if (!allowed) co_return allowed.failure();
  co_return sender;
}

net::Task<bool> FrontDoor::is_in_store(std::shared_ptr<const config::Settings> settings,
                                       Domain domain) {
  net::Loop& loop = this_loop();
  auto found = co_await services_.domains.find(loop, domain);
  const auto& parents = settings->signing.parents;
  const auto parent = parents.find(domain);
  if (!found && found.error().fault == Fault::not_found && parent != parents.end()) {
    found = co_await services_.domains.find(loop, parent->second);
  }
  co_return found || found.error().fault != Fault::not_found;
}

net::Loop& FrontDoor::this_loop() const {
  return (*std::ranges::find_if(pipelines_,
                                [](Pipeline* each) { return each->loop().is_current(); }))
      ->loop();
}

Result<void> FrontDoor::rcpt(const accept::SessionFacts& facts, const Recipient& recipient) {
  if (route::find_route(*facts.settings, recipient.address.domain)) return {};
  return fail(Fault::recipient_not_routable, recipient.address.to_string());
}

Result<std::unique_ptr<accept::Intake>> FrontDoor::open(net::Loop& loop,
                                                        const accept::SessionFacts& facts,
                                                        Envelope envelope) {
  const auto pipeline =
      std::ranges::find_if(pipelines_, [&](Pipeline* each) { return &each->loop() == &loop; });
  if (pipeline == pipelines_.end())
    return fail(Fault::local_error, "session on a loop without a pipeline");
  Arrival arrival{.snapshot = snapshot_of(facts),
                  .facts = facts,
                  .envelope = std::move(envelope),
                  .id = {},
                  .received = services_.clock.now()};
  arrival.client = authorise::find_client(*arrival.snapshot->settings, facts.peer);
  if (!arrival.client) return fail(Fault::client_unknown, facts.peer.address.to_string());
  auto granted = services_.quotas.take_message(*arrival.client, arrival.envelope.recipients.size());
  if (!granted) {
    services_.metrics.limit_hit("client_quota");
    return granted.failure();
  }
  arrival.id = services_.ids.next(arrival.received);
  return (*pipeline)->receive(std::move(arrival));
}

std::shared_ptr<const Snapshot> FrontDoor::snapshot_of(const accept::SessionFacts& facts) const {
  auto current = services_.current.get();
  if (current->settings == facts.settings) return current;
  return std::make_shared<const Snapshot>(
      Snapshot{facts.settings, current->server_tls, current->client_tls});
}

Result<void> FrontDoor::enter(const Endpoint& remote) {
  const auto settings = this->settings();
  const config::Limits& limits = settings->limits;
  if (connections_.fetch_add(1) >= std::min(limits.connections, most_connections_)) {
    connections_.fetch_sub(1);
    services_.metrics.limit_hit("connections");
    return fail(Fault::too_many_connections, remote.to_string());
  }
  const std::lock_guard lock(mutex_);
  std::uint32_t& count = by_address_[remote.address.to_string()];
  if (limits.connections_per_address > 0 && count >= limits.connections_per_address) {
    connections_.fetch_sub(1);
    services_.metrics.limit_hit("connections_per_address");
    return fail(Fault::too_many_connections, remote.to_string());
  }
  ++count;
  return {};
}

// A session may become another client's: by AUTH, or by a certificate.
Result<void> FrontDoor::count_connection(const accept::SessionFacts& facts,
                                         const config::ClientSettings& client) {
  const std::lock_guard lock(mutex_);
  if (const auto before = counted_.find(facts.remote); before != counted_.end()) {
    if (before->second.client == &client) return {};
    services_.quotas.return_connection(*before->second.client);
    counted_.erase(before);
  }
  if (client.connections == 0) return {};
  auto taken = services_.quotas.take_connection(client);
  if (!taken) {
    services_.metrics.limit_hit("client_connections");
    return taken;
  }
  counted_.emplace(facts.remote, Counted{facts.settings, &client});
  return {};
}

void FrontDoor::leave(const Endpoint& remote) {
  connections_.fetch_sub(1);
  const std::lock_guard lock(mutex_);
  if (const auto counted = counted_.find(remote); counted != counted_.end()) {
    services_.quotas.return_connection(*counted->second.client);
    counted_.erase(counted);
  }
  const auto found = by_address_.find(remote.address.to_string());
  if (found != by_address_.end() && --found->second == 0) by_address_.erase(found);
}

}  // namespace signet
