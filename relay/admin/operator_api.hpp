// What an operator asks of the running relay beyond single messages: explanations, suspensions,
// orders to many messages, maintenance. JSON in, JSON out.
//
//   GET    /v1/queue/ID/explanation     why it met its fate
//   POST   /v1/explain                  of a message nobody has sent: from, to, sender, client,
//                                       address, user
//
// Errors as queue_api.hpp.
#pragma once

#include "relay/admin/explanations.hpp"
#include "relay/net/http_server.hpp"

namespace signet::admin {

class OperatorApi {
 public:
  /// All outlive the API and its last exchange.
  explicit OperatorApi(Explanations& explanations) : explanations_(explanations) {}

  [[nodiscard]] static bool takes(const net::HttpRequest& request);
  /// On the admin loop.
  void answer(net::HttpExchange exchange);

 private:
  void explain(net::HttpExchange exchange);

  Explanations& explanations_;
};

}  // namespace signet::admin
