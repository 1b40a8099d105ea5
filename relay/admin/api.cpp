#include "relay/admin/api.hpp"

#include <algorithm>

#include "relay/admin/problem.hpp"

namespace signet::admin {
namespace {

constexpr std::string_view kRealm = "Bearer realm=\"signet\"";
constexpr std::string_view kNoToken =
    "show a token: 'Authorization: Bearer TOKEN'; 'signet token new' makes one";
constexpr std::string_view kWrongToken =
    "this token is not known: is it in the file that [admin] tokens names, and was the relay "
    "reloaded since?";

net::HttpResponse with_field(net::HttpResponse response, std::string name, std::string value) {
  response.fields.emplace_back(std::move(name), std::move(value));
  return response;
}

std::string place_of(const net::HttpRequest& request) {
  return request.credentials ? "unix socket" : request.peer.to_string();
}

void refuse_rate(Call call) {
  constexpr std::string_view kWords = "too many requests: wait a second";
  call.respond(with_field(problem(429, kWords), "Retry-After", "1"), kWords);
}

std::string listed(const std::vector<std::string_view>& names) {
  std::string text;
  for (const std::string_view name : names) text.append(text.empty() ? "" : ", ").append(name);
  return text.empty() ? "it takes none" : "it takes " + text;
}

/// A parameter that the route does not know.
bool knows_all(const Route& route, const Parameters& parameters) {
  return std::ranges::all_of(parameters, [&](const auto& parameter) {
    return std::ranges::find(route.parameters, parameter.first) != route.parameters.end();
  });
}

}  // namespace

Api::Api(Policies policies, Auditor& auditor, const Clock& clock)
    : policies_(std::move(policies)), auditor_(auditor), clock_(clock) {
  routes_.add({.method = "GET", .path = "/v1/openapi.json", .handler = [](Call call) {
                 call.respond({200, "application/json", std::string(openapi_text())});
               }});
}

void Api::answer(net::HttpExchange exchange) {
  const Policy policy = policies_();
  Call call(std::move(exchange), auditor_);
  auto caller = identify(call.request(), policy);
  if (!caller) return turn_away(std::move(call), policy.requests_per_second);
  call.caller = std::move(*caller);
  if (!is_within_rate(call, policy.requests_per_second)) return refuse_rate(std::move(call));
  dispatch(std::move(call));
}

std::optional<Caller> Api::identify(const net::HttpRequest& request, const Policy& policy) const {
  if (request.credentials && request.authorization.empty()) {
    return Caller{"uid " + std::to_string(request.credentials->uid), place_of(request),
                  Scope::write};
  }
  const auto shown = bearer_token(request.authorization);
  const auto* known = shown && policy.tokens ? policy.tokens->find(*shown) : nullptr;
  if (known == nullptr) return std::nullopt;
  return Caller{"token " + known->name, place_of(request), known->scope};
}

// Each is told of in the audit log, as long as they come no faster than requests may.
void Api::turn_away(Call call, std::uint32_t per_second) {
  call.caller = {"unknown", place_of(call.request())};
  if (!failures_.take(clock_.steady(), per_second)) return refuse_rate(std::move(call));
  call.is_audited = true;
  const bool has_token = !call.request().authorization.empty();
  const std::string challenge =
      std::string(kRealm) + (has_token ? ", error=\"invalid_token\"" : "");
  const std::string_view words = has_token ? kWrongToken : kNoToken;
  call.respond(with_field(problem(401, words), "WWW-Authenticate", challenge), words);
}

// Those who come through the socket own the relay; the number of their connections is bound enough.
bool Api::is_within_rate(const Call& call, std::uint32_t per_second) {
  if (!call.caller.name.starts_with("token ")) return true;
  return rates_[call.caller.name].take(clock_.steady(), per_second);
}

void Api::dispatch(Call call) {
  call.is_audited = call.request().method != "GET" && call.request().method != "HEAD";
  if (call.request().body.size() > kMaxBody)
    return call.refuse(413, "a body has at most 65,536 octets");
  auto target = parse_target(call.request().target);
  if (!target) return call.refuse(target.error());
  auto match = routes_.find(call.request().method, target->segments);
  if (match.allowed.empty())
    return call.refuse(404, "no such path: /v1/openapi.json lists those there are");
  if (match.route == nullptr) {
    const std::string words = "this path answers to " + match.allowed;
    return call.respond(with_field(problem(405, words), "Allow", match.allowed), words);
  }
  if (match.route->scope == Scope::write && call.caller.scope != Scope::write)
    return call.refuse(403, "this token may only read: use one of scope write");
  if (!knows_all(*match.route, target->parameters)) {
    return call.refuse(400, "the query has a parameter that is not known here: " +
                                listed(match.route->parameters));
  }
  if (match.route->method == "GET" && !call.request().body.empty())
    return call.refuse(400, "a GET has no body");
  auto body = parse_body(call.request().body, match.route->members);
  if (!body) return call.refuse(body.error());
  call.segments = std::move(match.segments);
  call.parameters = std::move(target->parameters);
  call.body = std::move(*body);
  match.route->handler(std::move(call));
}

}  // namespace signet::admin
