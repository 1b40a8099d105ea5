#include "relay/admin/queue_api.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "relay/admin/http_answer.hpp"
#include "relay/admin/queue_json.hpp"

namespace signet::admin {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxList = 1000;
constexpr std::string_view kQueue = "/v1/queue/";

/// 1 to kMaxList; nothing for anything else.
std::optional<std::size_t> parse_limit(std::string_view text) {
  std::size_t limit = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (limit == 0 || limit > kMaxList) return std::nullopt;
  return limit;
}

/// The "reason" of the body; nothing if the body is neither empty nor such an object.
std::optional<std::string> parse_reason(const std::string& body) {
  if (body.empty()) return std::string();
  const json parsed = json::parse(body, nullptr, false);
  if (!parsed.is_object()) return std::nullopt;
  const auto reason = parsed.find("reason");
  if (reason == parsed.end()) return std::string();
  if (!reason->is_string()) return std::nullopt;
  return reason->get<std::string>();
}

std::string operator_of(const net::HttpRequest& request) {
  return request.credentials ? "uid " + std::to_string(request.credentials->uid) : "unknown";
}

using Action = void (QueueControl::*)(QueueOrder, QueueControl::Done);

Action find_action(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, Action>, 4> kActions{
      {{"retry", &QueueControl::retry},
       {"hold", &QueueControl::hold},
       {"release", &QueueControl::release},
       {"bounce", &QueueControl::bounce}}};
  for (const auto& [known, action] : kActions) {
    if (known == name) return action;
  }
  return nullptr;
}

}  // namespace

void QueueApi::answer(net::HttpExchange exchange) {
  const std::string path = exchange.request().path;
  const bool is_get = exchange.request().method == "GET";
  if (path == "/v1/stats" && is_get) {
    return exchange.respond(reply(200, stats_of(spool_.stats(), clock_.now())));
  }
  if (path == "/v1/queue" && is_get) return list(std::move(exchange));
  if (!path.starts_with(kQueue)) return exchange.respond(refuse(404, "no such path"));
  const std::string_view rest = std::string_view(path).substr(kQueue.size());
  const auto slash = std::min(rest.find('/'), rest.size());
  const auto id = QueueId::parse(rest.substr(0, slash));
  if (!id) return exchange.respond(refuse(400, "not a queue id"));
  const std::string_view action = rest.substr(std::min(slash + 1, rest.size()));
  if (is_get && slash == rest.size()) return show(std::move(exchange), *id);
  if (exchange.request().method == "POST") return act(std::move(exchange), *id, action);
  exchange.respond(refuse(405, "GET a message, POST an action"));
}

void QueueApi::list(net::HttpExchange exchange) {
  const net::HttpRequest& request = exchange.request();
  const auto limit = parse_limit(request.parameter("limit", "100"));
  if (!limit) return exchange.respond(refuse(400, "limit is from 1 to 1000"));
  QueueId after;
  if (const auto text = request.parameter("after"); !text.empty()) {
    const auto id = QueueId::parse(text);
    if (!id) return exchange.respond(refuse(400, "after is not a queue id"));
    after = *id;
  }
  pool_.post([this, exchange = std::move(exchange), after, limit = *limit]() mutable {
    const auto messages = spool_.list(after, limit);
    if (!messages) return exchange.respond(refuse(messages.error()));
    json rows = json::array();
    for (const auto& message : *messages) rows.push_back(summary_of(message, clock_.now()));
    const json next = messages->size() < limit ? json() : json(rows.back()["id"]);
    exchange.respond(reply(200, {{"messages", std::move(rows)}, {"next", next}}));
  });
}

void QueueApi::show(net::HttpExchange exchange, QueueId id) {
  pool_.post([this, exchange = std::move(exchange), id]() mutable {
    const auto message = spool_.load(id);
    if (!message) return exchange.respond(refuse(message.error()));
    exchange.respond(reply(200, details_of(*message, clock_.now())));
  });
}

void QueueApi::act(net::HttpExchange exchange, QueueId id, std::string_view action) {
  const Action perform = find_action(action);
  if (perform == nullptr) {
    return exchange.respond(refuse(404, "the actions are retry, hold, release and bounce"));
  }
  const auto reason = parse_reason(exchange.request().body);
  if (!reason)
    return exchange.respond(refuse(400, "the body is {\"reason\": \"words\"}, or empty"));
  QueueOrder order{id, *reason, operator_of(exchange.request())};
  (control_.*perform)(std::move(order), [exchange = std::move(exchange), id,
                                         name = std::string(action)](Result<void> done) mutable {
    if (!done) return exchange.respond(refuse(done.error()));
    exchange.respond(reply(200, {{"id", id.to_string()}, {"done", name}}));
  });
}

}  // namespace signet::admin
