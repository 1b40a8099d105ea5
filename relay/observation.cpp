#include "relay/observation.hpp"

#include "monitoring/log.hpp"
#include "monitoring/process.hpp"

namespace signet {
namespace {

double age_seconds(const Clock& clock, const std::optional<WallTime>& since) {
  return since ? std::chrono::duration<double>(clock.now() - *since).count() : 0;
}

}  // namespace

Result<std::unique_ptr<Observation>> Observation::open(Services& services,
                                                       admin::QueueControl& control) {
  std::unique_ptr<Observation> observation(new Observation(services, control));
  observation->add_gauges();
  observation->add_checks();
  const auto settings = services.current.get()->settings;
  if (settings->monitoring.listen) {
    auto exporter =
        monitoring::Exporter::open(observation->thread_.loop(), *settings->monitoring.listen,
                                   services.metrics, observation->health_);
    if (!exporter) return exporter.failure();
    observation->exporter_ = std::move(*exporter);
  }
  const auto& path = settings->monitoring.socket;
  auto socket = net::HttpServer::open(observation->thread_.loop(),
                                      path.empty() ? settings->spool / "signet.sock" : path,
                                      observation->api_.handler());
  if (!socket) return socket.failure();
  observation->socket_ = std::move(*socket);
  return observation;
}

std::optional<Endpoint> Observation::endpoint() const {
  if (!exporter_) return std::nullopt;
  return exporter_->endpoint();
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
  add(Family::session_memory, [&memory = services_.memory] { return memory.used(); });
  add(Family::destinations_backing_off, [&backoff = services_.backoff] { return backoff.size(); });
  add(Family::delivery_log_behind, [&log = services_.log] { return log.is_behind(); });
  add(Family::log_lines_dropped, [] { return monitoring::dropped_log_lines(); });
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

}  // namespace signet
