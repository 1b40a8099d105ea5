#include "relay/relay.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "relay/base/secret_memory.hpp"
#include "relay/counted_resolver.hpp"
#include "relay/descriptor_limit.hpp"
#include "relay/resolver_settings.hpp"
#include "relay/snapshot.hpp"

namespace signet {
namespace {

constexpr unsigned kPoolThreads = 6;
constexpr std::chrono::milliseconds kDrainPoll{20};
constexpr std::chrono::seconds kClockLook{1};
constexpr std::chrono::seconds kKeyMemoryLook{1};

Result<std::unique_ptr<sign::Signer>> make_signer(bool cached_keys) {
  if (!cached_keys) return sign::make_openssl_signer();
  return sign::make_opendkim_signer();
}

Result<std::unique_ptr<report::DeliveryLog>> open_delivery_log(const config::Settings& settings,
                                                               report::Webhook& webhook) {
  const config::MonitoringSettings& monitoring = settings.monitoring;
  const bool has_place = !monitoring.delivery_log.empty();
  report::DeliveryLog::Options options{
      .file = has_place ? monitoring.delivery_log : settings.spool / "delivery.log",
      .rotate_bytes = monitoring.delivery_log_bytes,
      .kept = monitoring.delivery_log_kept,
      .privacy = {static_cast<report::Addresses>(monitoring.delivery_log_addresses)},
      .copy = [&webhook](std::string_view line) { webhook.add(line); }};
  if (options.privacy.addresses == report::Addresses::hashed) {
    auto key = report::address_key(settings.spool / "address.key");
    if (!key) return key.failure();
    options.privacy.key = std::move(*key);
  }
  return report::DeliveryLog::open(std::move(options));
}

}  // namespace

Result<std::unique_ptr<Relay>> Relay::open(Options options) {
  std::unique_ptr<Relay> relay(new Relay(std::move(options)));
  for (auto step : {&Relay::open_stores, &Relay::open_workers, &Relay::open_listeners,
                    &Relay::open_observation}) {
    auto done = (relay.get()->*step)();
    if (!done) return done.failure();
  }
  return relay;
}

Relay::~Relay() { close(); }

Result<void> Relay::open_stores() {
  const auto& settings = *options_.settings;
  auto snapshot = make_snapshot(options_.settings);
  if (!snapshot) return snapshot.failure();
  tell_certificates(*snapshot);
  metrics_.configuration_read(true, unix_seconds(clock_.now()));
  current_ = std::make_unique<CurrentSnapshot>(std::move(*snapshot));
  reloads_.started(clock_.now());
  allow_labels(settings);
  pool_ = std::make_unique<net::BlockingPool>(kPoolThreads);
  passwords_ = std::make_unique<net::BlockingPool>(1);
  auto resolver_settings = to_resolver_settings(settings.resolver);
  resolver_settings.on_validation = [this](bool validates, const std::string& reason) {
    metrics_.dns_unvalidated(!validates);
    if (!validates) spdlog::warn("DNS answers are not validated: {}", reason);
  };
  auto resolver = net::make_resolver(resolver_settings);
  if (!resolver) return resolver.failure();
  resolver_ = std::make_unique<CountedResolver>(std::move(*resolver), metrics_);
  domains_ = std::make_unique<keys::DomainStore>(
      keys::DomainStore::Options{.directory = settings.store,
                                 .allow_group = settings.store_allow_group},
      *pool_, clock_);
  domains_->on_failure([](const Domain& domain, const Error& error) {
    spdlog::error("keys of {}: {}", domain.text(), error.detail);
  });
  auto spool = spool::Spool::open(
      {.directory = settings.spool,
       .accept_loss = options_.accept_spool_loss,
       .min_free_bytes = settings.limits.min_free_bytes,
       .min_free_share = settings.limits.min_free_share,
       .on_commit = [this](std::size_t messages,
                           std::chrono::microseconds took) { metrics_.commit(messages, took); }},
      clock_);
  if (!spool) return spool.failure();
  spool_ = std::move(*spool);
  webhook_ = std::make_unique<report::Webhook>(
      report::Webhook::Options{.waiting_file = settings.spool / "webhook.waiting"}, clock_);
  webhook_->aim(current_->get()->webhook);
  auto log = open_delivery_log(settings, *webhook_);
  if (!log) return log.failure();
  log_ = std::move(*log);
  return {};
}

Result<void> Relay::open_workers() {
  const auto& settings = *options_.settings;
  router_ = std::make_unique<route::Router>(*resolver_, settings.allow_private_mx);
  quotas_ = std::make_unique<authorise::Quotas>(clock_);
  backoff_ = std::make_unique<schedule::Backoff>(clock_);
  ids_ = std::make_unique<QueueIdSource>(spool_->last_id());
  auto suspensions = Suspensions::open(settings.spool / "suspensions.json", clock_);
  if (!suspensions) return suspensions.failure();
  suspensions_ = std::move(*suspensions);
  services_ = std::make_unique<Services>(
      Services{clock_,       metrics_,      *pool_,     *passwords_, *domains_,   *spool_,
               *log_,        *router_,      *quotas_,   leases_,     *backoff_,   *ids_,
               memory_,      in_memory_,    held_mail_, *current_,   *resolver_,  suffixes_,
               clock_watch_, *suspensions_, reloads_,   canaries_,   recent_mail_});
  const auto descriptors = raise_descriptor_limit();
  door_ = std::make_unique<FrontDoor>(*services_, descriptors / 2);
  if (descriptors / 2 < settings.limits.connections) {
    spdlog::warn("{} descriptors are enough for {} connections, not for {}: raise LimitNOFILE",
                 descriptors, descriptors / 2, settings.limits.connections);
  }
  const bool cached_keys = sign::cached_key_path_works();
  if (!cached_keys) {
    metrics_.cached_key_path_broken();
    spdlog::error("libopendkim does not take loaded keys: signing with OpenSSL alone");
  }
  const unsigned count =
      settings.loops > 0 ? settings.loops : std::max(1U, std::thread::hardware_concurrency());
  std::vector<Pipeline*> pipelines;
  for (unsigned i = 0; i < count; ++i) {
    Worker worker;
    worker.thread = std::make_unique<net::LoopThread>("signet-loop");
    auto signer = make_signer(cached_keys);
    if (!signer) return signer.failure();
    worker.pipeline =
        std::make_unique<Pipeline>(*services_, worker.thread->loop(), std::move(*signer));
    worker.sessions = std::make_unique<net::TaskScope>();
    worker.slot.loop = &worker.thread->loop();
    worker.thread->loop().post([&loop = worker.thread->loop(), &metrics = metrics_, i] {
      loop.on_lag([&metrics, i](std::chrono::microseconds lag) { metrics.loop_lag(i, lag); });
    });
    door_->add(*worker.pipeline);
    pipelines.push_back(worker.pipeline.get());
    workers_.push_back(std::move(worker));
  }
  scanner_ = std::make_unique<QueueScanner>(*services_, control_, pipelines);
  operations_ =
      std::make_unique<QueueOperations>(*services_, control_, *scanner_, std::move(pipelines));
  rehearsal_ = std::make_unique<Rehearsal>(*services_, control_);
  actions_ = std::make_unique<OperatorActions>(
      *services_, control_, *operations_, *door_, *rehearsal_,
      [this](OperatorActions::Reloaded done) { reload_for(std::move(done)); });
  explanations_ = std::make_unique<RunningExplanations>(*services_, control_);
  if (settings.rotation.publisher != config::RotationSettings::Publisher::none)
    rotation_ = std::make_unique<RotationDriver>(*services_, control_);
  if (settings.audit.enabled) audit_ = std::make_unique<AuditDriver>(*services_, control_);
  return {};
}

Result<void> Relay::open_listeners() {
  inherited_ = std::make_unique<net::InheritedSockets>();
  std::vector<net::Worker> slots;
  slots.reserve(workers_.size());
  for (const Worker& worker : workers_) slots.push_back(worker.slot);
  for (const config::ListenerSettings& settings : options_.settings->listeners) {
    const net::Listener::Handler serve = [this, settings](net::Stream stream,
                                                          const net::Worker& slot) {
      Worker& worker = *std::ranges::find_if(
          workers_, [&](const Worker& each) { return each.slot.loop == slot.loop; });
      worker.sessions->spawn(session(std::move(stream), settings, slot));
    };
    auto listener =
        settings.socket.empty()
            ? net::Listener::open(control_, settings.address, inherited_.get(), slots, serve)
            : net::Listener::open(control_, settings.socket, settings.socket_mode, inherited_.get(),
                                  slots, serve);
    if (!listener) return listener.failure();
    (*listener)->on_turned_away([this] {
      metrics_.limit_hit("descriptors");
      spdlog::warn("out of descriptors: a connection was closed at once");
    });
    if (settings.socket.empty()) router_->add_own_endpoint((*listener)->endpoint());
    listeners_.push_back(std::move(*listener));
  }
  for (const std::string& address : inherited_->left()) {
    return fail(Fault::configuration,
                "systemd hands over a socket on " + address +
                    ", and no [[listen]] has that address: nobody would ever answer there");
  }
  return {};
}

net::Task<void> Relay::session(net::Stream stream, config::ListenerSettings listener,
                               net::Worker slot) {
  co_await accept::serve(std::move(stream), std::move(listener), *door_, metrics_);
  slot.connections->fetch_sub(1);
}

std::vector<Endpoint> Relay::smtp_endpoints() const {
  std::vector<Endpoint> endpoints;
  endpoints.reserve(listeners_.size());
  for (const auto& listener : listeners_) endpoints.push_back(listener->endpoint());
  return endpoints;
}

Result<void> Relay::open_observation() {
  auto observation = Observation::open(*services_, {*operations_, *explanations_, *actions_});
  if (!observation) return observation.failure();
  observation_ = std::move(*observation);
  observation_->health().add("draining", [this]() -> std::optional<std::string> {
    if (door_->is_draining()) return "shutting down";
    return std::nullopt;
  });
  add_webhook_metrics(metrics_, *webhook_);
  return {};
}

int Relay::run() {
  // Before anybody is told that it is ready: who is told may send a signal at once.
  control_.on_signal(SIGTERM, [this] { stop(); });
  control_.on_signal(SIGINT, [this] { stop(); });
  if (!options_.config_file.empty()) {
    control_.on_signal(SIGHUP, [this] { tasks_.spawn(reload()); });
  }
  tasks_.spawn(watch_clock());  // The first look comes before the first message.
  tasks_.spawn(watch_key_memory());
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    const config::ListenerSettings& settings = options_.settings->listeners[i];
    const std::string address = settings.socket.empty() ? listeners_[i]->endpoint().to_string()
                                                        : "unix:" + settings.socket.string();
    const nlohmann::json line{
        {"event", "listening"}, {"name", settings.name}, {"address", address}};
    if (options_.announce) options_.announce(line.dump());
  }
  if (options_.announce) {
    for (const auto& [name, address] : observation_->endpoints()) {
      options_.announce(
          nlohmann::json{{"event", "listening"}, {"name", name}, {"address", address.to_string()}}
              .dump());
    }
    options_.announce(R"({"event":"ready"})");
  }
  tasks_.spawn(start_queue());
  control_.run();
  close();
  return 0;
}

// Held mail is counted before any of it can be released.
net::Task<void> Relay::start_queue() {
  for (std::uint64_t i = 0; i < spool_->stats().maybe; ++i) metrics_.maybe_duplicate();
  const bool counted = co_await net::run_on(*pool_, control_, [this] {
    held_mail_.load(*spool_);
    return true;
  });
  if (counted && !draining_) scanner_->start();
  if (rotation_ && !draining_) rotation_->start();
  if (audit_ && !draining_) audit_->start();
}

net::Task<void> Relay::watch_clock() {
  bool was_synchronised = true;
  for (;;) {
    const config::ClockSettings rules = current_->get()->settings->clock;
    const bool is_synchronised = kernel_clock_is_synchronised();
    const auto step = clock_watch_.look(
        clock_, is_synchronised, {.require_sync = rules.require_sync, .steady = rules.steady});
    if (step) {
      metrics_.clock_step();
      spdlog::error("the clock made a step of {} s: no signatures for {} s", step->count() / 1000,
                    rules.steady.count());
    }
    if (was_synchronised && !is_synchronised) spdlog::warn("the clock is not synchronised");
    was_synchronised = is_synchronised;
    metrics_.clock_state(is_synchronised, clock_watch_.is_steady());
    co_await control_.sleep(kClockLook);
  }
}

net::Task<void> Relay::watch_key_memory() {
  for (;;) {
    const auto use = secret_memory_use();
    if (use.locked < use.bytes) {
      spdlog::warn(
          "private keys may be written to swap: {} of {} octets are locked; raise LimitMEMLOCK",
          use.locked, use.bytes);
      co_return;
    }
    co_await control_.sleep(kKeyMemoryLook);
  }
}

void Relay::stop() {
  control_.post([this] {
    if (draining_) return;
    draining_ = true;
    tasks_.spawn(drain());
  });
}

net::Task<void> Relay::drain() {
  spdlog::info("draining");
  const auto deadline = clock_.steady() + current_->get()->settings->timeouts.drain;
  listeners_
      .clear();  // Sockets of systemd go on queueing; others refuse, so that clients try elsewhere.
  scanner_->stop();
  rotation_.reset();
  audit_.reset();
  door_->drain();
  for (Worker& worker : workers_) {
    worker.thread->loop().post([&outbound = worker.pipeline->outbound()] { outbound.drain(); });
  }
  const auto is_busy = [this] {
    return door_->connections() > 0 || std::ranges::any_of(workers_, [](const Worker& worker) {
             return worker.pipeline->outbound().busy() > 0;
           });
  };
  while (is_busy() && clock_.steady() < deadline) co_await control_.sleep(kDrainPoll);
  control_.stop();
}

void Relay::close() {
  // Opposite order of opening; each loop's tasks die on their own thread before the loop stops.
  tasks_.clear();
  reload_askers_.clear();  // Their answers need the admin API.
  rotation_.reset();
  if (observation_) observation_->stop_api();
  if (actions_) actions_->stop();
  audit_.reset();
  if (operations_) operations_->stop();
  if (explanations_) explanations_->stop();
  if (rehearsal_) rehearsal_->stop();
  if (scanner_) scanner_->stop();
  listeners_.clear();
  for (Worker& worker : workers_) {
    std::atomic<bool> cleared{false};
    worker.thread->loop().post([&] {
      worker.sessions->clear();
      worker.pipeline->outbound().clear();
      worker.pipeline->aligning().clear();
      cleared = true;
      cleared.notify_one();
    });
    cleared.wait(false);
  }
  observation_.reset();
  passwords_.reset();
  pool_.reset();  // No read of the spool is under way from here on.
  resolver_.reset();
  spool_.reset();  // Commits what waits; completions post to loops that still run, and are dropped
                   // there.
  for (Worker& worker : workers_) worker.thread.reset();
  workers_.clear();
  log_.reset();
  webhook_.reset();
}

}  // namespace signet
