#include "relay/observation.hpp"

#include "monitoring/log.hpp"

namespace signet {
namespace {

double age_seconds(const Clock& clock, const std::optional<WallTime>& since) {
  return since ? std::chrono::duration<double>(clock.now() - *since).count() : 0;
}

}  // namespace

Result<std::unique_ptr<Observation>> Observation::open(Services& services, Operations operations) {
  std::unique_ptr<Observation> observation(new Observation(services, operations));
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
                                      [served = observation.get()](net::HttpExchange exchange) {
                                        served->answer(std::move(exchange));
                                      });
  if (!socket) return socket.failure();
  observation->socket_ = std::move(*socket);
  return observation;
}

void Observation::answer(net::HttpExchange exchange) {
  if (admin::OperatorApi::takes(exchange.request()))
    return operator_api_.answer(std::move(exchange));
  api_.answer(std::move(exchange));
}

std::optional<Endpoint> Observation::endpoint() const {
  if (!exporter_) return std::nullopt;
  return exporter_->endpoint();
}

void Observation::add_gauges() {
  monitoring::Metrics& metrics = services_.metrics;
  const spool::Spool& spool = services_.spool;
  const Clock& clock = services_.clock;
  metrics.on_scrape("signet_queue_messages", "Messages in the spool.",
                    [&] { return static_cast<double>(spool.stats().messages); });
  metrics.on_scrape("signet_queue_oldest_seconds", "Age of the oldest message in the spool.",
                    [&] { return age_seconds(clock, spool.stats().oldest); });
  metrics.on_scrape("signet_queue_held_messages", "Messages on hold.",
                    [&] { return static_cast<double>(spool.stats().held); });
  metrics.on_scrape("signet_queue_held_oldest_seconds", "How long the longest hold has lasted.",
                    [&] { return age_seconds(clock, spool.stats().oldest_held); });
  metrics.on_scrape("signet_spool_quarantined_messages", "Messages set apart after a failed sync.",
                    [&] { return static_cast<double>(spool.stats().quarantined); });
  metrics.on_scrape("signet_spool_disk_bytes", "Disk the spool takes.",
                    [&] { return static_cast<double>(spool.stats().disk_bytes); });
  metrics.on_scrape("signet_session_memory_bytes", "Octets of messages in reception.",
                    [&] { return static_cast<double>(services_.memory.used()); });
  metrics.on_scrape("signet_log_lines_dropped", "Diagnostic log lines dropped so far.",
                    [] { return static_cast<double>(monitoring::dropped_log_lines()); });
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
