#include "relay/admin/state_api.hpp"

#include <nlohmann/json.hpp>

#include "relay/admin/paging.hpp"
#include "relay/admin/problem.hpp"

namespace signet::admin {

void StateApi::add_routes(RouteTable& table) {
  table.add({.method = "GET", .path = "/v1/egress", .handler = [this](Call call) {
               call.respond(reply(200, state_.egress()));
             }});
  table.add({.method = "GET", .path = "/v1/config", .handler = [this](Call call) {
               call.respond(reply(200, state_.configuration()));
             }});
  table.add({.method = "GET", .path = "/v1/metrics", .handler = [this](Call call) {
               pool_.post([this, call = std::move(call)]() mutable {
                 call.respond({200, "text/plain; version=0.0.4; charset=utf-8", state_.metrics()});
               });
             }});
  table.add({.method = "GET",
             .path = "/v1/destinations",
             .parameters = {"limit", "after"},
             .handler = [this](Call call) { list_destinations(std::move(call)); }});
}

void StateApi::list_destinations(Call call) {
  const auto limit = page_limit(call.parameters);
  if (!limit) return call.refuse(limit.error());
  pool_.post([this, call = std::move(call), limit = *limit]() mutable {
    const std::string after(call.parameter("after"));
    call.respond(reply(200, state_.destinations(after, limit)));
  });
}

}  // namespace signet::admin
