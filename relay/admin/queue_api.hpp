// The queue over HTTP, for the Unix socket: JSON in, JSON out.
//
//   GET  /v1/stats                     counts
//   GET  /v1/queue?limit=100&after=ID  {"messages": [...], "next": ID or null}, by time of receipt
//   GET  /v1/queue/ID                  one message
//   POST /v1/queue/ID/ACTION           retry, hold, release, bounce; body {"reason": "..."} or none
//
// An error is {"error": "words"}: 400 wrong request, 404 no such message, 409 it can't be done, 503
// not now. Who may ask is the socket's mode's affair.
#pragma once

#include "relay/admin/queue_control.hpp"
#include "relay/base/clock.hpp"
#include "relay/base/executor.hpp"
#include "relay/net/http_server.hpp"
#include "relay/spool/spool.hpp"

namespace signet::admin {

class QueueApi {
 public:
  /// Reads of the spool run on `pool`. All outlive the API and its last exchange.
  QueueApi(const spool::Spool& spool, Executor& pool, QueueControl& control, const Clock& clock)
      : spool_(spool), pool_(pool), control_(control), clock_(clock) {}

  /// On the admin loop.
  void answer(net::HttpExchange exchange);
  [[nodiscard]] net::HttpServer::Handler handler() {
    return [this](net::HttpExchange exchange) { answer(std::move(exchange)); };
  }

 private:
  void list(net::HttpExchange exchange);
  void show(net::HttpExchange exchange, QueueId id);
  void act(net::HttpExchange exchange, QueueId id, std::string_view action);

  const spool::Spool& spool_;
  Executor& pool_;
  QueueControl& control_;
  const Clock& clock_;
};

}  // namespace signet::admin
