#include "relay/admin/operator_api.hpp"

#include <nlohmann/json.hpp>

#include "relay/admin/problem.hpp"

namespace signet::admin {
namespace {

using nlohmann::json;

Explanations::Done answer_to(Call call) {
  return [call = std::move(call)](Result<json> told) mutable {
    if (told) return call.respond(reply(200, *told));
    if (told.error().fault != Fault::not_found) return call.refuse(told.error());
    call.refuse(404, "no such message in the queue, nor in the delivery log");
  };
}

}  // namespace

void OperatorApi::add_routes(RouteTable& table) {
  table.add({.method = "GET", .path = "/v1/queue/{id}/explanation", .handler = [this](Call call) {
               explain_message(std::move(call));
             }});
  table.add({.method = "POST",
             .path = "/v1/explain",
             .members = {{"from"}, {"to"}, {"sender"}, {"client"}, {"address"}, {"user"}},
             .handler = [this](Call call) { explain_hypothesis(std::move(call)); }});
}

void OperatorApi::explain_message(Call call) {
  const auto id = QueueId::parse(call.segment(0));
  if (!id) return call.refuse(400, "this is not a queue id: it has 11 letters and digits");
  explanations_.explain(*id, answer_to(std::move(call)));
}

void OperatorApi::explain_hypothesis(Call call) {
  Hypothesis asked{.from = call.body.text("from"),
                   .to = {},
                   .sender = call.body.text("sender"),
                   .client = call.body.text("client"),
                   .address = call.body.text("address"),
                   .user = call.body.text("user")};
  if (std::string to = call.body.text("to"); !to.empty()) asked.to.push_back(std::move(to));
  explanations_.explain(std::move(asked), answer_to(std::move(call)));
}

}  // namespace signet::admin
