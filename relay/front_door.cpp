#include "relay/front_door.hpp"

#include <algorithm>

#include "relay/accept/password.hpp"

namespace signet {

net::Task<Result<void>> FrontDoor::authenticate(net::Loop& loop, std::string user,
                                                std::string password) {
  const auto settings = this->settings();
  const auto found = std::ranges::find(settings->users, user, &config::UserSettings::name);
  std::string hash =
      found == settings->users.end() ? accept::hash_for_unknown_user() : found->password;
  const bool known = found != settings->users.end();
  const bool matches = co_await net::run_on(
      services_.passwords, loop, [hash = std::move(hash), password = std::move(password)] {
        return accept::check_password(hash, password);
      });
  if (!known || !matches) co_return fail(Fault::auth_failed, "user " + user);
  co_return Result<void>{};
}

net::Task<Result<ReversePath>> FrontDoor::mail(const accept::SessionFacts& facts,
                                               ReversePath sender) {
  const auto snapshot = services_.current.get();
  const config::ClientSettings* client = authorise::find_client(*snapshot->settings, facts.peer);
  if (!client) co_return fail(Fault::client_unknown, facts.peer.address.to_string());
  auto counted = count_connection(facts.remote, *client);
  if (!counted) co_return counted.failure();
  if (services_.spool.broken()) co_return fail(Fault::spool_failed, "spool refuses writes");
  if (services_.spool.is_disk_short()) {
    services_.metrics.limit_hit("disk");
    co_return fail(Fault::disk_short);
  }
  if (services_.log.is_behind()) co_return fail(Fault::local_error, "delivery log is behind");
  if (sender) sender = authorise::rewrite(*snapshot->settings, *sender);
  bool in_store = false;
  if (sender && client->all_domains) {
    Pipeline& here = **std::ranges::find_if(
        pipelines_, [](Pipeline* each) { return each->loop().is_current(); });
    auto found = co_await services_.domains.find(here.loop(), sender->domain);
    in_store = found || found.error().fault != Fault::not_found;
  }
  auto allowed = authorise::check_sender(*client, sender, in_store);
  if (!allowed) co_return allowed.failure();
  co_return sender;
}

Result<void> FrontDoor::rcpt(const accept::SessionFacts& /*facts*/, const Recipient& recipient) {
  const auto settings = this->settings();
  if (route::find_route(*settings, recipient.address.domain)) return {};
  return fail(Fault::recipient_not_routable, recipient.address.to_string());
}

Result<std::unique_ptr<accept::Intake>> FrontDoor::open(net::Loop& loop,
                                                        const accept::SessionFacts& facts,
                                                        Envelope envelope) {
  const auto pipeline =
      std::ranges::find_if(pipelines_, [&](Pipeline* each) { return &each->loop() == &loop; });
  if (pipeline == pipelines_.end())
    return fail(Fault::local_error, "session on a loop without a pipeline");
  Arrival arrival{.snapshot = services_.current.get(),
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

Result<void> FrontDoor::enter(const Endpoint& remote) {
  const auto settings = this->settings();
  const config::Limits& limits = settings->limits;
  if (connections_.fetch_add(1) >= limits.connections) {
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

Result<void> FrontDoor::count_connection(const Endpoint& remote,
                                         const config::ClientSettings& client) {
  if (client.connections == 0) return {};
  const std::lock_guard lock(mutex_);
  if (counted_.contains(remote)) return {};
  auto taken = services_.quotas.take_connection(client);
  if (!taken) {
    services_.metrics.limit_hit("client_connections");
    return taken;
  }
  counted_.emplace(remote, client);
  return {};
}

void FrontDoor::leave(const Endpoint& remote) {
  connections_.fetch_sub(1);
  const std::lock_guard lock(mutex_);
  if (const auto counted = counted_.find(remote); counted != counted_.end()) {
    services_.quotas.return_connection(counted->second);
    counted_.erase(counted);
  }
  const auto found = by_address_.find(remote.address.to_string());
  if (found != by_address_.end() && --found->second == 0) by_address_.erase(found);
}

}  // namespace signet
