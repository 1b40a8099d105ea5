// What an operator asks of the running relay beyond single messages, behind the door of api.hpp;
// openapi.json describes it.
//
//   GET  /v1/queue/{id}/explanation     why it met its fate
//   POST /v1/explain                    of a message nobody has sent
#pragma once

#include "relay/admin/explanations.hpp"
#include "relay/admin/route_table.hpp"

namespace signet::admin {

class OperatorApi {
 public:
  /// All outlive the API and its last call.
  explicit OperatorApi(Explanations& explanations) : explanations_(explanations) {}

  void add_routes(RouteTable& table);

 private:
  void explain_message(Call call);
  void explain_hypothesis(Call call);

  Explanations& explanations_;
};

}  // namespace signet::admin
