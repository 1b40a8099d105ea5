#include "relay/admin/queue_api.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "relay/admin/paging.hpp"
#include "relay/admin/problem.hpp"
#include "relay/admin/queue_json.hpp"

namespace signet::admin {
namespace {

using nlohmann::json;

constexpr std::size_t kPage = 200;        // Messages in memory at once.
constexpr std::size_t kMaxLook = 10'000;  // Messages one request looks at.

constexpr std::string_view kNoId = "this is not a queue id: it has 11 letters and digits";

/// What the spool or the control said, in words about messages.
void refuse(Call call, const Error& error) {
  if (error.fault == Fault::not_found) return call.refuse(404, "no such message in the queue");
  call.refuse(error);
}

}  // namespace

void QueueApi::add_routes(RouteTable& table) {
  std::vector<std::string_view> parameters{"limit", "after"};
  const auto& names = QueueFilter::names();
  parameters.insert(parameters.end(), names.begin(), names.end());
  table.add({.method = "GET",
             .path = "/v1/queue",
             .parameters = std::move(parameters),
             .handler = [this](Call call) { list(std::move(call)); }});
  table.add({.method = "GET", .path = "/v1/queue/stats", .handler = [this](Call call) {
               call.respond(reply(200, stats_of(spool_.stats(), clock_.now())));
             }});
  table.add({.method = "GET", .path = "/v1/queue/{id}", .handler = [this](Call call) {
               show(std::move(call));
             }});
  const auto add_order = [&](std::string_view path, std::string_view name, Order order) {
    std::vector<Member> members;
    if (name == "hold" || name == "bounce") members = {{"reason"}};
    if (name == "reroute") members = {{"to"}, {"to_pool"}};
    table.add({.method = "POST",
               .path = path,
               .scope = Scope::write,
               .members = std::move(members),
               .handler = [this, name, order](Call call) { act(std::move(call), name, order); }});
  };
  add_order("/v1/queue/{id}/retry", "retry", &QueueControl::retry);
  add_order("/v1/queue/{id}/hold", "hold", &QueueControl::hold);
  add_order("/v1/queue/{id}/release", "release", &QueueControl::release);
  add_order("/v1/queue/{id}/bounce", "bounce", &QueueControl::bounce);
  add_order("/v1/queue/{id}/reroute", "reroute", &QueueControl::reroute);
}

void QueueApi::list(Call call) {
  const auto limit = page_limit(call.parameters);
  if (!limit) return call.refuse(limit.error());
  auto filter = QueueFilter::parse(call.parameters);
  if (!filter) return call.refuse(filter.error());
  QueueId after;
  if (const auto text = call.parameter("after"); !text.empty()) {
    const auto id = QueueId::parse(text);
    if (!id) return call.refuse(400, "after is not a queue id");
    after = *id;
  }
  pool_.post([this, call = std::move(call), filter = std::move(*filter), after,
              limit = *limit]() mutable { answer_list(std::move(call), filter, after, limit); });
}

void QueueApi::answer_list(Call call, const QueueFilter& filter, QueueId after, std::size_t limit) {
  const WallTime now = clock_.now();
  json rows = json::array();
  std::size_t looked_at = 0;
  const std::size_t page_size = filter == QueueFilter{} ? std::min(kPage, limit) : kPage;
  bool is_end = false;
  while (!is_end && rows.size() < limit && looked_at < kMaxLook) {
    const auto page = spool_.list(after, page_size);
    if (!page) return refuse(std::move(call), page.error());
    std::size_t used = 0;
    for (; used < page->size() && rows.size() < limit; ++used) {
      const spool::Message& message = (*page)[used];
      after = message.record.id;
      if (!filter.matches(message, now)) continue;
      rows.push_back(summary_of(message, control_.is_in_delivery(message.record.id), now));
    }
    looked_at += used;
    is_end = page->size() < page_size && used == page->size();
  }
  const json next = is_end ? json() : json(after.to_string());
  call.respond(reply(200, {{"messages", std::move(rows)}, {"next", next}}));
}

void QueueApi::show(Call call) {
  const auto id = QueueId::parse(call.segment(0));
  if (!id) return call.refuse(400, kNoId);
  pool_.post([this, call = std::move(call), id = *id]() mutable {
    const auto message = spool_.load(id);
    if (!message) return refuse(std::move(call), message.error());
    call.respond(reply(200, details_of(*message, control_.is_in_delivery(id), clock_.now())));
  });
}

void QueueApi::act(Call call, std::string_view name, Order order) {
  const auto id = QueueId::parse(call.segment(0));
  if (!id) return call.refuse(400, kNoId);
  QueueOrder given{*id,
                   call.body.text("reason"),
                   call.caller.to_string(),
                   {call.body.text("to"), call.body.text("to_pool")}};
  (control_.*order)(std::move(given),
                    [call = std::move(call), id = *id, name](Result<void> done) mutable {
                      if (!done) return refuse(std::move(call), done.error());
                      call.respond(reply(200, {{"id", id.to_string()}, {"done", name}}));
                    });
}

}  // namespace signet::admin
