#include "relay/observation.hpp"

#include "monitoring/log.hpp"
#include "monitoring/process.hpp"

namespace signet {
namespace {

double age_seconds(const Clock& clock, const std::optional<WallTime>& since) {
  return since ? std::chrono::duration<double>(clock.now() - *since).count() : 0;
}

double share(const spool::Stats& stats) {
  return stats.disk_size == 0
             ? 0
             : static_cast<double>(stats.disk_free) / static_cast<double>(stats.disk_size);
}

admin::Api::Policy policy_of(const Snapshot& snapshot) {
  return {.tokens = snapshot.admin_tokens,
          .requests_per_second = snapshot.settings->admin.requests_per_second};
}

}  // namespace

Result<std::unique_ptr<Observation>> Observation::open(Services& services, Operations operations) {
  std::unique_ptr<Observation> observation(new Observation(services, operations));
  observation->add_gauges();
  observation->add_checks();
  if (auto opened = observation->open_exporter(); !opened) return opened.failure();
  if (auto opened = observation->open_api(); !opened) return opened.failure();
  return observation;
}

Observation::Observation(Services& services, Operations operations)
    : services_(services),
      audit_(services),
      key_service_(services),
      report_(services),
      api_([&current = services.current] { return policy_of(*current.get()); }, audit_,
           services.clock),
      queue_api_(services.spool, reads_, operations.queue, services.clock),
      operator_api_(operations.explanations, operations.control),
      key_api_(key_service_, reads_, orders_),
      state_api_(report_, reads_) {
  queue_api_.add_routes(api_.routes());
  operator_api_.add_routes(api_.routes());
  key_api_.add_routes(api_.routes());
  state_api_.add_routes(api_.routes());
}

Result<void> Observation::open_exporter() {
  const auto listen = services_.current.get()->settings->monitoring.listen;
  if (!listen) return {};
  auto exporter = monitoring::Exporter::open(thread_.loop(), *listen, services_.metrics, health_);
  if (!exporter) return exporter.failure();
  exporter_ = std::move(*exporter);
  return {};
}

Result<void> Observation::open_api() {
  const auto settings = services_.current.get()->settings;
  const auto& path = settings->monitoring.socket;
  auto socket = net::HttpServer::open(
      thread_.loop(), path.empty() ? settings->spool / "signet.sock" : path, api_.handler());
  if (!socket) return socket.failure();
  socket_ = std::move(*socket);
  if (!settings->admin.listen) return {};
  auto tcp = net::HttpServer::open(thread_.loop(), *settings->admin.listen, api_.handler());
  if (!tcp) return tcp.failure();
  tcp_ = std::move(*tcp);
  return {};
}

void Observation::stop_api() {
  tcp_.reset();
  socket_.reset();
}

std::vector<std::pair<std::string, Endpoint>> Observation::endpoints() const {
  std::vector<std::pair<std::string, Endpoint>> all;
  if (exporter_) all.emplace_back("monitoring", exporter_->endpoint());
  if (tcp_) all.emplace_back("admin", tcp_->endpoint());
  return all;
}

void Observation::add_gauges() {
  using monitoring::Family;
  monitoring::Metrics& metrics = services_.metrics;
  const spool::Spool& spool = services_.spool;
  const Clock& clock = services_.clock;
  const auto add = [&metrics](Family family, auto read) {
    metrics.on_scrape(family, [read] { return static_cast<double>(read()); });
  };
  add(Family::queue_messages, [&] { return spool.stats().messages; });
  add(Family::queue_oldest, [&] { return age_seconds(clock, spool.stats().oldest); });
  add(Family::queue_held_messages, [&] { return spool.stats().held; });
  add(Family::queue_held_oldest, [&] { return age_seconds(clock, spool.stats().oldest_held); });
  add(Family::spool_quarantined, [&] { return spool.stats().quarantined; });
  add(Family::spool_disk_bytes, [&] { return spool.stats().disk_bytes; });
  add(Family::spool_disk_short, [&] { return spool.is_disk_short(); });
  add(Family::spool_disk_free, [&] { return spool.stats().disk_free; });
  add(Family::spool_disk_size, [&] { return spool.stats().disk_size; });
  add(Family::spool_disk_free_share, [&] { return share(spool.stats()); });
  add(Family::spool_suspended, [&] { return spool.is_suspended(); });
  add(Family::spool_compaction_pending, [&] { return spool.stats().compaction_pending_bytes; });
  add(Family::spool_compactions, [&] { return spool.stats().compactions; });
  add(Family::spool_flushes, [&] { return spool.stats().flushes; });
  add(Family::spool_write_delayed, [&] { return spool.stats().write_delayed; });
  add(Family::spool_write_stopped, [&] { return spool.stats().write_stopped; });
  add(Family::spool_stalls, [&] { return spool.stats().stalls; });
  add(Family::session_memory, [&memory = services_.memory] { return memory.used(); });
  add(Family::destinations_backing_off, [&backoff = services_.backoff] { return backoff.size(); });
  add(Family::delivery_log_behind, [&log = services_.log] { return log.is_behind(); });
  add(Family::delivery_log_errors, [&log = services_.log] { return log.errors(); });
  add(Family::log_lines_dropped, [] { return monitoring::dropped_log_lines(); });
  add(Family::suspensions, [&all = services_.suspensions] { return all.list().size(); });
  add(Family::ready, [this] { return health_.not_ready_because().empty(); });
  monitoring::add_process_metrics(metrics);
}

void Observation::add_checks() {
  health_.add("spool", [&spool = services_.spool] { return spool.broken(); });
  health_.add("disk", [&spool = services_.spool]() -> std::optional<std::string> {
    if (spool.is_disk_short()) return "free space is under the limit";
    return std::nullopt;
  });
  health_.add("delivery_log", [&log = services_.log]() -> std::optional<std::string> {
    if (log.is_behind()) return "64 MiB behind: the disk is too slow";
    return std::nullopt;
  });
}

void add_webhook_metrics(monitoring::Metrics& metrics, const report::Webhook& webhook) {
  using monitoring::Family;
  const auto add = [&](Family family, auto read) {
    metrics.on_scrape(family,
                      [&webhook, read] { return static_cast<double>(read(webhook.stats())); });
  };
  using Stats = report::Webhook::Stats;
  add(Family::webhook_events, [](const Stats& stats) { return stats.sent; });
  add(Family::webhook_dropped, [](const Stats& stats) { return stats.dropped; });
  add(Family::webhook_errors, [](const Stats& stats) { return stats.failures; });
  add(Family::webhook_waiting, [](const Stats& stats) { return stats.waiting; });
  add(Family::webhook_waiting_bytes, [](const Stats& stats) { return stats.waiting_bytes; });
  add(Family::webhook_oldest, [](const Stats& stats) { return stats.oldest.count(); });
}

}  // namespace signet
