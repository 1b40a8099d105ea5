// What an operator asks of the running relay beyond single messages, behind the door of api.hpp;
// openapi.json describes it.
//
//   GET  /v1/queue/{id}/explanation     why it met its fate
//   GET  /v1/explain                    of a message nobody has sent
//   GET  /v1/suspensions                and POST to add one, /v1/suspensions/resume to end one
//   POST /v1/queue/orders               an order to all messages that match
//   GET  /v1/config/settings            the configuration in force, by name and value
//   POST /v1/config/reload              read it again
//   GET  /v1/mail/recent                the mail of the last hour, and what becomes of it
//   GET  /v1/maintenance                and POST: accept no more, or again
#pragma once

#include "relay/admin/explanations.hpp"
#include "relay/admin/operator_control.hpp"
#include "relay/admin/route_table.hpp"

namespace signet::admin {

class OperatorApi {
 public:
  /// All outlive the API and its last call.
  OperatorApi(Explanations& explanations, OperatorControl& control)
      : explanations_(explanations), control_(control) {}

  void add_routes(RouteTable& table);

 private:
  void explain_message(Call call);
  void explain_hypothesis(Call call);
  void suspend(Call call);
  void resume(Call call);
  void reload(Call call);
  void order_many(Call call);
  void drain(Call call);

  Explanations& explanations_;
  OperatorControl& control_;
};

}  // namespace signet::admin
