#include "relay/outbound.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>

#include "keys/key_folder.hpp"
#include "keys/key_record.hpp"
#include "relay/destination_key.hpp"
#include "relay/pipeline.hpp"
#include "relay/sign/plan.hpp"

namespace signet {
namespace {

constexpr std::chrono::hours kResignBefore{48};  // x= nearer than this: sign anew.
constexpr std::chrono::hours kReevaluate{1};     // Held mail is looked at again.

/// True if the keyset says that the record of `selector` still stands: what it signed may leave.
bool is_still_published(const config::Settings& settings, const Domain& domain,
                        const std::string& selector) {
  const auto keys = keys::read_key_set(
      {.directory = settings.store, .allow_group = settings.store_allow_group}, domain);
  if (!keys) return false;
  const auto* key = keys::find_key(*keys, selector);
  return key != nullptr && key->state == keys::KeyState::retiring;
}

bool signs(const keys::SigningDomain& domain, std::string_view selector) {
  return std::ranges::any_of(domain.keys,
                             [&](const keys::SigningKey& key) { return key.selector == selector; });
}

}  // namespace

Outbound::Outbound(Services& services, net::Loop& loop, Pipeline& pipeline)
    : services_(services),
      loop_(loop),
      pipeline_(pipeline),
      random_state_(reinterpret_cast<std::uintptr_t>(this) | 1U) {}

Outbound::~Outbound() { scope_.clear(); }

std::uint64_t Outbound::random() {  // xorshift64: jitter and choice of address, nothing secret.
  random_state_ ^= random_state_ << 13U;
  random_state_ ^= random_state_ >> 7U;
  random_state_ ^= random_state_ << 17U;
  return random_state_;
}

void Outbound::take(std::shared_ptr<const spool::Message> message,
                    std::shared_ptr<const std::string> body,
                    std::shared_ptr<const Snapshot> snapshot) {
  if (is_full() || draining_) {
    services_.in_memory.erase(message->record.id);
    if (overflow_) overflow_(message->state.due);
    return;
  }
  auto delivery = std::make_shared<Delivery>();
  delivery->state = message->state;
  delivery->body = std::move(body);
  delivery->snapshot = std::move(snapshot);
  delivery->stored = std::move(message);
  admit(*delivery);
  dispatch(std::move(delivery));
}

void Outbound::claim(QueueId id) {
  if (draining_) {
    unreserve();
    services_.in_memory.erase(id);
    return;
  }
  scope_.spawn(load(id));
}

net::Task<Result<Outbound::Fetched>> Outbound::fetch(QueueId id) {
  struct Loaded {
    Result<spool::Message> message;
    Result<std::shared_ptr<const std::string>> body;
  };
  auto loaded = co_await net::run_on(services_.pool, loop_, [&spool = services_.spool, id] {
    Loaded result{spool.load(id), std::shared_ptr<const std::string>()};
    if (result.message && result.message->record.body_chunks == 0) {
      auto body = spool.load_body(id);
      if (!body) return Loaded{std::move(result.message), body.failure()};
      result.body = std::make_shared<const std::string>(std::move(*body));
    }
    return result;
  });
  if (!loaded.message) co_return loaded.message.failure();
  auto delivery = std::make_shared<Delivery>();
  delivery->stored = std::make_shared<const spool::Message>(std::move(*loaded.message));
  delivery->state = delivery->stored->state;
  delivery->snapshot = services_.current.get();
  if (!loaded.body) co_return Fetched{std::move(delivery), loaded.body.failure()};
  delivery->body = std::move(*loaded.body);
  co_return Fetched{std::move(delivery), {}};
}

net::Task<void> Outbound::load(QueueId id) {
  auto fetched = co_await fetch(id);
  unreserve();
  if (!fetched) {
    if (fetched.error().fault != Fault::not_found) {
      spdlog::error("queued message {} can't be read: {}", id.to_string(), fetched.error().detail);
    }
    services_.in_memory.erase(id);
    co_return;
  }
  std::shared_ptr<Delivery> delivery = std::move(fetched->delivery);
  admit(*delivery);
  const bool expired = services_.clock.now() >= delivery->record().expires;
  if (delivery->state.is_held() && !delivery->state.hold_is_ours() && !expired) {
    co_await hold(std::move(delivery), {});
    co_return;
  }
  if (delivery->state.is_held() && expired) {
    co_await settle(std::move(delivery));
    co_return;
  }
  if (!fetched->body) {  // Of damage on the disk an operator decides; in the end the sender hears.
    co_await keep_unreadable(std::move(delivery), expired, fetched->body.error());
    co_return;
  }
  if (!expired && delivery->state.hold_reason.starts_with(kAlignmentHold)) {
    std::string reason = co_await still_held(*delivery, Doubt::stays);
    if (!reason.empty()) {
      co_await hold(std::move(delivery), std::move(reason));
      co_return;
    }
  }
  auto fresh = co_await fresh_signatures(*delivery->stored, delivery->body, delivery->snapshot);
  if (!fresh && !expired && delivery->record().origin != spool::Origin::dsn) {
    co_await hold(std::move(delivery), "no_active_key: " + fresh.error().detail);
    co_return;
  }
  if (fresh) delivery->fresh = std::move(*fresh);
  if (delivery->state.is_held() && !expired) {
    services_.log.write(report::Fact("released", services_.clock.now()).with("id", id));
    delivery->state.hold_reason.clear();
    for (auto& recipient : delivery->state.recipients) {
      if (recipient.status == spool::RecipientStatus::held)
        recipient.status = spool::RecipientStatus::queued;
    }
  }
  dispatch(std::move(delivery));
}

net::Task<void> Outbound::keep_unreadable(std::shared_ptr<Delivery> delivery, bool expired,
                                          const Error& error) {
  spdlog::error("the body of queued message {} can't be read: {}",
                delivery->record().id.to_string(), error.detail);
  if (expired) {
    co_await settle(std::move(delivery));
  } else {
    co_await hold(std::move(delivery), "body_unreadable: " + error.detail);
  }
}

net::Task<Result<std::optional<sign::Signed>>> Outbound::fresh_signatures(
    const spool::Message& message, std::shared_ptr<const std::string> body,
    std::shared_ptr<const Snapshot> snapshot) {
  const spool::Record& record = message.record;
  const auto life = snapshot->settings->signing.signature_life;
  bool stale = services_.clock.now() + kResignBefore > record.received + life;
  std::vector<std::shared_ptr<const keys::SigningDomain>> domains;
  for (const std::string& name : record.signed_by) {
    const auto by = keys::split_record_name(name);
    const auto domain_name = Domain::parse(by ? by->domain : "");
    if (!domain_name) continue;
    auto domain = co_await services_.domains.find(loop_, *domain_name);
    if (!domain && domain.error().fault == Fault::no_active_key) {
      const bool stands =
          co_await net::run_on(services_.pool, loop_,
                               [settings = snapshot->settings, name = *domain_name,
                                selector = std::string(by->selector)] {
                                 return is_still_published(*settings, name, selector);
                               });
      if (!stands) co_return domain.failure();
      continue;
    }
    if (!domain) co_return domain.failure();
    stale = stale || !signs(**domain, by->selector);
    if (domains.empty() || domains.back()->name != (*domain)->name)
      domains.push_back(std::move(*domain));
  }
  // With a clock that can't be trusted the old ones are better.
  if (!stale || domains.empty() || !services_.clock_watch.is_steady())
    co_return std::optional<sign::Signed>();
  const sign::Plan plan =
      sign::make_plan({.author_domain = domains.front(),
                       .platform_domain = domains.size() > 1 ? domains.back() : nullptr,
                       .lot = sign::lot_of(record.id),
                       .default_profile = default_profile(snapshot->settings->signing),
                       .life = life});
  auto signing = pipeline_.signer().begin(plan, record.header, services_.clock.now());
  if (!signing) co_return signing.failure();
  if (body) {
    auto hashed = (*signing)->body(*body);
    if (!hashed) co_return hashed.failure();
  }
  for (std::uint32_t index = 0; index < record.body_chunks; ++index) {
    auto chunk = co_await net::run_on(
        services_.pool, loop_,
        [&spool = services_.spool, id = record.id, index] { return spool.load_chunk(id, index); });
    if (!chunk) co_return chunk.failure();
    auto hashed = (*signing)->body(*chunk);
    if (!hashed) co_return hashed.failure();
  }
  auto signatures = (*signing)->finish();
  if (!signatures) co_return signatures.failure();
  co_return std::optional(std::move(*signatures));
}

net::Task<void> Outbound::hold(std::shared_ptr<Delivery> delivery, std::string reason) {
  const WallTime now = services_.clock.now();
  spool::State& state = delivery->state;
  const WallTime previous_due = state.due;
  const bool is_new = !reason.empty();
  if (is_new) {
    if (!state.is_held()) state.held_since = now;
    state.hold_reason = std::move(reason);
    for (auto& recipient : state.recipients) {
      if (recipient.status == spool::RecipientStatus::queued)
        recipient.status = spool::RecipientStatus::held;
    }
  }
  const bool for_alignment = state.hold_reason.starts_with(kAlignmentHold);
  const std::chrono::seconds again =
      for_alignment ? delivery->snapshot->settings->alignment.reevaluate : kReevaluate;
  state.due = std::min<WallTime>(now + again, delivery->record().expires);
  auto written = co_await net::completion<Result<void>>(loop_, [&](auto done) {
    services_.spool.update(delivery->record().id, state, previous_due, spool::Attempts::over, loop_,
                           std::move(done));
  });
  const spool::Record& record = delivery->record();
  if (!written) {
    spdlog::error("hold of {} not stored: {}", record.id.to_string(), written.error().detail);
  } else if (is_new) {
    services_.held_mail.changed(record, delivery->stored->state.hold_reason, state.hold_reason);
    services_.log.write(
        report::Fact("held", now).with("id", record.id).with("reason", state.hold_reason));
  }
  forget(*delivery);
  services_.in_memory.erase(record.id);
}

void Outbound::dispatch(std::shared_ptr<Delivery> delivery) {
  const auto settings = delivery->snapshot->settings;
  std::map<Destination*, std::vector<Job>> jobs;
  for (std::uint32_t i = 0; i < delivery->state.recipients.size(); ++i) {
    spool::RecipientState& recipient = delivery->state.recipients[i];
    if (recipient.status != spool::RecipientStatus::queued &&
        recipient.status != spool::RecipientStatus::held)
      continue;
    const auto waiting =
        route::route_of(settings, recipient.rerouted_to, recipient.recipient.address.domain);
    if (!waiting.route) {  // It is gone: an operator's mistake, not the recipient's.
      recipient.last_reply = recipient.rerouted_to.empty()
                                 ? "451 4.3.5 No route for this recipient"
                                 : "451 4.3.5 The " + recipient.rerouted_to + " is gone";
      continue;
    }
    recipient.route = waiting.route->name;
    const TlsNeed need = tls_need(delivery->record(), *waiting.route);
    Destination& destination = destination_for(recipient, waiting, need);
    std::vector<Job>& batch = jobs[&destination];
    if (batch.empty() ||
        batch.back().recipients.size() >= settings->limits.recipients_per_transaction) {
      batch.push_back({delivery, {}, services_.clock.steady()});
    }
    batch.back().recipients.push_back(i);
  }
  for (const auto& [destination, batch] : jobs) delivery->open_jobs += batch.size();
  if (jobs.empty()) {
    scope_.spawn(settle(std::move(delivery)));
    return;
  }
  delivery.reset();
  for (auto& [destination, batch] : jobs) {
    for (Job& job : batch) destination->jobs.push_back(std::move(job));
    ensure_worker(*destination);
  }
  if (is_crowded() && !relieving_) scope_.spawn(relieve());
}

// RFC 8689 4.2.1, 5: REQUIRETLS overrides the header field, and does not keep a report (null
// sender) from going out. The field overrides what receivers ask for, never what the operator asks
// of a next hop of his own.
Outbound::TlsNeed Outbound::tls_need(const spool::Record& record,
                                     const config::RouteSettings& route) {
  if (route.kind == config::RouteKind::maildir) return TlsNeed::by_route;
  if (record.envelope.require_tls)
    return record.envelope.sender ? TlsNeed::required : TlsNeed::by_route;
  const bool may_relax =
      route.kind == config::RouteKind::mx && route.tls == config::TlsPolicy::verify;
  return record.tls_optional && may_relax ? TlsNeed::optional : TlsNeed::by_route;
}

Outbound::Destination& Outbound::destination_for(const spool::RecipientState& recipient,
                                                 const route::WaitingRoute& waiting,
                                                 TlsNeed tls_need) {
  const config::RouteSettings& route = *waiting.route;
  std::string_view tls;
  if (tls_need == TlsNeed::required) tls = "|tls required";
  if (tls_need == TlsNeed::optional) tls = "|tls optional";
  std::string key = destination_key(route, recipient.pool, recipient.recipient.address.domain, tls);
  auto& slot = destinations_[key];
  if (!slot) {
    slot = std::make_unique<Destination>(loop_);
    slot->key = std::move(key);
    slot->route = route.name;
    if (waiting.is_made) slot->next_hop = route;
    slot->pool = recipient.pool;
    slot->tls_need = tls_need;
    slot->domain = recipient.recipient.address.domain;
  }
  return *slot;
}

void Outbound::ensure_worker(Destination& destination) {
  if (destination.idle > 0) {
    --destination.idle;  // The one that wakes is no longer idle, from now on.
    destination.wake.notify_one();
    return;
  }
  const auto snapshot = destination.jobs.front().delivery->snapshot;
  const config::RouteSettings* route = route_to(destination, *snapshot->settings);
  const std::uint32_t limit = route && route->connections > 0
                                  ? route->connections
                                  : snapshot->settings->limits.connections_per_destination;
  if (auto lease = services_.leases.take(destination.key, limit)) {
    ++destination.workers;
    scope_.spawn(work(destination, std::move(lease)));
  } else if (destination.workers == 0 && !destination.waiting_for_lease) {
    services_.metrics.limit_hit("connections_per_destination");
    wait_in_line(destination);
  }
}

void Outbound::wake_all() {
  for (auto& [key, destination] : destinations_) destination->wake.notify_all();
}

const config::RouteSettings* Outbound::route_to(const Destination& destination,
                                                const config::Settings& settings) {
  if (destination.next_hop) return &*destination.next_hop;
  return route::route_named(settings, destination.route);
}

void Outbound::unreserve() {
  messages_.fetch_sub(1);
  bytes_.fetch_sub(kReservedBytes);
}

void Outbound::admit(Delivery& delivery) {
  delivery.remote_hosts.resize(delivery.state.recipients.size());
  delivery.bytes = delivery.record().header.size() + (delivery.body ? delivery.body->size() : 0);
  messages_.fetch_add(1);
  bytes_.fetch_add(delivery.bytes);
}

void Outbound::forget(const Delivery& delivery) {
  messages_.fetch_sub(1);
  bytes_.fetch_sub(delivery.bytes);
}

}  // namespace signet
