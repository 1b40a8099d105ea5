#include "relay/admin/operator_api.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "config/quantity.hpp"
#include "relay/admin/problem.hpp"

namespace signet::admin {
namespace {

using nlohmann::json;

/// Answers with what is told; `unknown`: the words of 404.
std::move_only_function<void(Result<json>)> tell(std::string_view unknown, Call call) {
  return [unknown, call = std::move(call)](Result<json> told) mutable {
    if (told) return call.respond(reply(200, *told));
    if (told.error().fault != Fault::not_found) return call.refuse(told.error());
    call.refuse(404, unknown);
  };
}

std::optional<ManyAction> parse_action(std::string_view name) {
  constexpr std::array<std::string_view, 5> kNames{"retry", "hold", "release", "bounce", "reroute"};
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<ManyAction>(found - kNames.begin());
}

constexpr std::string_view kNoMessage =
    "no such message in the queue, nor in the part of the delivery log that is searched";

}  // namespace

void OperatorApi::add_routes(RouteTable& table) {
  table.add({.method = "GET", .path = "/v1/queue/{id}/explanation", .handler = [this](Call call) {
               explain_message(std::move(call));
             }});
  table.add({.method = "GET",
             .path = "/v1/explain",
             .parameters = {"from", "to", "sender", "client", "address", "user"},
             .handler = [this](Call call) { explain_hypothesis(std::move(call)); }});
  table.add({.method = "GET", .path = "/v1/suspensions", .handler = [this](Call call) {
               control_.suspensions(tell("no suspensions", std::move(call)));
             }});
  table.add({.method = "POST",
             .path = "/v1/suspensions",
             .scope = Scope::write,
             .members = {{"kind"}, {"value"}, {"reason"}, {"for"}},
             .handler = [this](Call call) { suspend(std::move(call)); }});
  table.add({.method = "POST",
             .path = "/v1/suspensions/resume",
             .scope = Scope::write,
             .members = {{"kind"}, {"value"}},
             .handler = [this](Call call) { resume(std::move(call)); }});
  std::vector<Member> members{{"order"},
                              {"reason"},
                              {"after"},
                              {"until"},
                              {"dry_run", Member::Kind::flag},
                              {"to"},
                              {"to_pool"},
                              {"all", Member::Kind::flag}};
  for (const std::string_view name : QueueFilter::names()) members.push_back({name});
  table.add({.method = "POST",
             .path = "/v1/queue/orders",
             .scope = Scope::write,
             .members = std::move(members),
             .handler = [this](Call call) { order_many(std::move(call)); }});
  table.add({.method = "GET", .path = "/v1/config/settings", .handler = [this](Call call) {
               control_.settings(tell("nothing", std::move(call)));
             }});
  table.add({.method = "POST",
             .path = "/v1/config/reload",
             .scope = Scope::write,
             .handler = [this](Call call) { reload(std::move(call)); }});
  table.add({.method = "GET", .path = "/v1/mail/recent", .handler = [this](Call call) {
               control_.recent_mail(tell("nothing", std::move(call)));
             }});
  table.add({.method = "GET", .path = "/v1/maintenance", .handler = [this](Call call) {
               control_.maintenance(tell("nothing", std::move(call)));
             }});
  table.add({.method = "POST",
             .path = "/v1/maintenance",
             .scope = Scope::write,
             .members = {{"draining", Member::Kind::flag}},
             .handler = [this](Call call) { drain(std::move(call)); }});
}

void OperatorApi::suspend(Call call) {
  SuspensionOrder order{.kind = call.body.text("kind"),
                        .value = call.body.text("value"),
                        .reason = call.body.text("reason"),
                        .by = call.caller.to_string()};
  if (call.body.has("for")) {  // Empty is a mistake, never for ever.
    const auto duration = config::parse_duration(call.body.text("for"));
    if (!duration || duration->count() < 1000)
      return call.refuse(400, "for is a duration such as 2h, from 1s to 3650d");
    order.lasts = std::chrono::duration_cast<std::chrono::seconds>(*duration);
  }
  control_.suspend(std::move(order), tell("nothing", std::move(call)));
}

void OperatorApi::resume(Call call) {
  SuspensionOrder order{.kind = call.body.text("kind"),
                        .value = call.body.text("value"),
                        .reason = {},
                        .by = call.caller.to_string()};
  control_.resume(std::move(order), tell("this is not suspended", std::move(call)));
}

// To mend the file is up to the asker: to come again would not help.
void OperatorApi::reload(Call call) {
  std::string by = call.caller.to_string();
  control_.reload(std::move(by), [call = std::move(call)](Result<json> told) mutable {
    if (told) return call.respond(reply(200, *told));
    if (told.error().fault != Fault::configuration) return call.refuse(told.error());
    call.refuse(409, told.error().public_text());
  });
}

void OperatorApi::order_many(Call call) {
  ManyOrder order{.filter = {},
                  .reason = call.body.text("reason"),
                  .by = call.caller.to_string(),
                  .dry_run = call.body.flag("dry_run"),
                  .after = {}};
  const auto action = parse_action(call.body.text("order"));
  if (!action) return call.refuse(400, "the orders are retry, hold, release, bounce and reroute");
  order.action = *action;
  const bool has_way = call.body.has("to") || call.body.has("to_pool");
  if (has_way && order.action != ManyAction::reroute)
    return call.refuse(400, "to and to_pool are for the order reroute only");
  Parameters parameters;
  for (const std::string_view name : QueueFilter::names()) {
    if (call.body.has(name)) parameters.emplace(name, call.body.text(name));
  }
  if (parameters.empty() && !call.body.flag("all"))
    return call.refuse(400, "say which messages by a condition, or \"all\": true");
  auto filter = QueueFilter::parse(parameters);
  if (!filter) return call.refuse(filter.error());
  order.filter = std::move(*filter);
  order.reroute = {call.body.text("to"), call.body.text("to_pool")};
  for (const auto& [name, into] :
       {std::pair{"after", &order.after}, std::pair{"until", &order.until}}) {
    const std::string text = call.body.text(name);
    if (text.empty()) continue;
    const auto id = QueueId::parse(text);
    if (!id) return call.refuse(400, std::string(name) + " is not a queue id");
    *into = *id;
  }
  control_.order_many(std::move(order), tell("nothing", std::move(call)));
}

// Said, never assumed: an empty body must not end the draining.
void OperatorApi::drain(Call call) {
  if (!call.body.has("draining")) return call.refuse(400, "draining is true or false");
  const bool drains = call.body.flag("draining");
  std::string by = call.caller.to_string();
  control_.drain(drains, std::move(by), tell("nothing", std::move(call)));
}

void OperatorApi::explain_message(Call call) {
  const auto id = QueueId::parse(call.segment(0));
  if (!id) return call.refuse(400, "this is not a queue id: it has 11 letters and digits");
  explanations_.explain(*id, tell(kNoMessage, std::move(call)));
}

void OperatorApi::explain_hypothesis(Call call) {
  const auto given = [&call](std::string_view name) { return std::string(call.parameter(name)); };
  Hypothesis asked{.from = given("from"),
                   .to = {},
                   .sender = given("sender"),
                   .client = given("client"),
                   .address = given("address"),
                   .user = given("user")};
  if (std::string to = given("to"); !to.empty()) asked.to.push_back(std::move(to));
  explanations_.explain(std::move(asked), tell(kNoMessage, std::move(call)));
}

}  // namespace signet::admin
