#include "monitoring/exporter.hpp"

namespace signet::monitoring {
namespace {

net::HttpResponse readiness(const Health& health) {
  const auto reasons = health.not_ready_because();
  net::HttpResponse response;
  if (reasons.empty()) {
    response.body = "ready\n";
    return response;
  }
  response.status = 503;
  for (const std::string& reason : reasons) response.body += reason + "\n";
  return response;
}

net::HttpResponse answer(const net::HttpRequest& request, const Metrics& metrics,
                         const Health& health) {
  net::HttpResponse response;
  if (request.method != "GET") {
    response.status = 405;
    response.body = "read-only\n";
    response.fields = {{"Allow", "GET"}};
  } else if (request.path == "/metrics") {
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = metrics.expose();
  } else if (request.path == "/healthz") {
    response.body = "alive\n";
  } else if (request.path == "/readyz") {
    return readiness(health);
  } else {
    response.status = 404;
    response.body = "here are /metrics, /healthz and /readyz\n";
  }
  return response;
}

}  // namespace

Result<std::unique_ptr<Exporter>> Exporter::open(net::Loop& loop, const Endpoint& listen,
                                                 const Metrics& metrics, const Health& health) {
  auto server = net::HttpServer::open(
      loop, listen, net::at_once([&metrics, &health](const net::HttpRequest& request) {
        return answer(request, metrics, health);
      }));
  if (!server) return server.failure();
  return std::unique_ptr<Exporter>(new Exporter(std::move(*server)));
}

}  // namespace signet::monitoring
