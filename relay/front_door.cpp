#include "relay/front_door.hpp"

#include <algorithm>

#include "relay/accept/password.hpp"

namespace signet {

namespace {

const config::UserSettings* find_user(const config::Settings& settings, const std::string& name) {
  const auto found = std::ranges::find(settings.users, name, &config::UserSettings::name);
  return found == settings.users.end() ? nullptr : &*found;
}

/// What the keys of somebody unknown must look like: those of the first user that has any.
config::ScramKeys usual_keys(const config::Settings& settings) {
  for (const config::UserSettings& user : settings.users) {
    const auto keys = config::parse_scram_keys(user.scram);
    if (keys) return *keys;
  }
  return {.iterations = accept::kScramIterations, .salt = {}, .stored_key = {}, .server_key = {}};
}

}  // namespace

net::Task<Result<void>> FrontDoor::authenticate(net::Loop& loop, const accept::SessionFacts& facts,
                                                std::string user, std::string password) {
  auto granted = take_guess(facts, user);
  if (!granted) co_return granted;
  const auto settings = this->settings();
  const auto* found = find_user(*settings, user);
  const bool known = found != nullptr && !found->password.empty();
  std::string hash = known ? found->password : accept::hash_for_unknown_user();
  const bool matches = co_await net::run_on(
      services_.passwords, loop, [hash = std::move(hash), password = std::move(password)] {
        return accept::check_password(hash, password);
      });
  if (!known || !matches) co_return co_await refuse_guess(loop, facts, std::move(user));
  guesses_.succeeded(facts.remote.address, user);
  co_return Result<void>{};
}

Result<void> FrontDoor::take_guess(const accept::SessionFacts& facts, const std::string& user) {
  auto granted = guesses_.take(facts.remote.address, user);
  if (granted) return granted;
  services_.metrics.limit_hit("password_guesses");
  rejections_.note("AUTH", facts, "", Error{granted.error().fault, {}});
  return granted;
}

// Not whose password it was to be: some give their password for their name.
net::Task<Result<void>> FrontDoor::refuse_guess(net::Loop& loop, const accept::SessionFacts& facts,
                                                std::string user) {
  rejections_.note("AUTH", facts, "", Error{Fault::auth_failed, {}});
  const auto delay = guesses_.failed(facts.remote.address, user);
  if (delay.count() > 0) co_await loop.sleep(delay);
  co_return fail(Fault::auth_failed, "user " + user);
}

// The same work for known and unknown users: those made up are made for both.
Result<config::ScramKeys> FrontDoor::scram_keys(const accept::SessionFacts& facts,
                                                const std::string& user) {
  const auto granted = take_guess(facts, user);
  if (!granted) return granted.failure();
  const auto settings = this->settings();
  auto made_up = unknown_users_.keys_of(user, usual_keys(*settings));
  const auto* found = find_user(*settings, user);
  auto real = config::parse_scram_keys(found == nullptr ? "" : found->scram);
  if (!real) return made_up;
  return real;
}

net::Task<Result<void>> FrontDoor::conclude(net::Loop& loop, const accept::SessionFacts& facts,
                                            std::string user, bool proven) {
  const auto settings = this->settings();
  const bool is_good = proven && find_user(*settings, user) != nullptr;
  if (!is_good) co_return co_await refuse_guess(loop, facts, std::move(user));
  guesses_.succeeded(facts.remote.address, user);
  co_return Result<void>{};
}

net::Task<Result<ReversePath>> FrontDoor::mail(const accept::SessionFacts& facts,
                                               ReversePath sender) {
  const auto judged = co_await judge_sender(facts, sender);
  if (judged) co_return sender;
  rejections_.note("MAIL", facts, to_string(sender), judged.error());
  co_return judged.failure();
}

net::Task<Result<void>> FrontDoor::judge_sender(const accept::SessionFacts& facts,
                                                ReversePath& sender) {
  const auto settings = facts.settings;
  // Those that were in the middle of reading a command when it began.
  if (maintenance_) co_return fail(Fault::shutting_down, "maintenance");
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
  if (sender && client->all_domains)
    in_store = co_await is_in_store(services_.domains, this_loop(), settings, sender->domain);
  co_return authorise::check_sender(*client, sender, in_store);
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
    rejections_.note("DATA", facts, to_string(arrival.envelope.sender), granted.error());
    return granted.failure();
  }
  arrival.id = services_.ids.next(arrival.received);
  return (*pipeline)->receive(std::move(arrival));
}

std::shared_ptr<const Snapshot> FrontDoor::snapshot_of(const accept::SessionFacts& facts) const {
  auto current = services_.current.get();
  if (current->settings == facts.settings) return current;
  return std::make_shared<const Snapshot>(
      Snapshot{facts.settings, current->server_tls, current->client_tls, current->admin_tokens});
}

Result<void> FrontDoor::enter(const accept::SessionFacts& facts,
                              const config::ListenerSettings& listener) {
  const config::Limits& limits = facts.settings->limits;
  const auto refuse = [&](const char* limit) {
    connections_.fetch_sub(1);
    return refuse_connection(facts, limit);
  };
  if (connections_.fetch_add(1) >= std::min(limits.connections, most_connections_)) {
    return refuse("connections");
  }
  const std::lock_guard lock(mutex_);
  std::uint32_t& count = by_listener_[facts.listener];
  if (listener.connections > 0 && count >= listener.connections) {
    return refuse("listener_connections");
  }
  ++count;
  inside_.emplace(&facts, Inside{});
  return {};
}

Result<void> FrontDoor::arrive(const accept::SessionFacts& facts) {
  if (facts.peer.unix_user) return {};
  const std::uint32_t limit = facts.settings->limits.connections_per_address;
  const std::lock_guard lock(mutex_);
  std::uint32_t& count = by_address_[facts.remote.address.to_string()];
  if (limit > 0 && count >= limit) {
    return refuse_connection(facts, "connections_per_address");
  }
  ++count;
  inside_.at(&facts).arrived = true;
  return {};
}

Result<void> FrontDoor::refuse_connection(const accept::SessionFacts& facts,
                                          std::string_view limit) {
  services_.metrics.limit_hit(limit);
  rejections_.note("connection", facts, "", Error{Fault::too_many_connections, std::string(limit)});
  return fail(Fault::too_many_connections, facts.remote.to_string());
}

// A session may become another client's: by AUTH, or by a certificate.
Result<void> FrontDoor::count_connection(const accept::SessionFacts& facts,
                                         const config::ClientSettings& client) {
  const std::lock_guard lock(mutex_);
  Inside& inside = inside_.at(&facts);
  if (inside.client == &client) return {};
  if (inside.client != nullptr) services_.quotas.return_connection(*inside.client);
  inside.client = nullptr;
  if (client.connections == 0) return {};
  auto taken = services_.quotas.take_connection(client);
  if (!taken) {
    services_.metrics.limit_hit("client_connections");
    return taken;
  }
  inside.settings = facts.settings;
  inside.client = &client;
  return {};
}

void FrontDoor::leave(const accept::SessionFacts& facts) {
  connections_.fetch_sub(1);
  const std::lock_guard lock(mutex_);
  const auto inside = inside_.find(&facts);
  if (inside->second.client != nullptr) {
    services_.quotas.return_connection(*inside->second.client);
  }
  const auto drop = [](auto& counts, const std::string& key) {
    const auto found = counts.find(key);
    if (--found->second == 0) counts.erase(found);
  };
  drop(by_listener_, facts.listener);
  if (inside->second.arrived) drop(by_address_, facts.remote.address.to_string());
  inside_.erase(inside);
}

}  // namespace signet
