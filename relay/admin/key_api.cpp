#include "relay/admin/key_api.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>

#include "keys/key_set.hpp"
#include "relay/admin/paging.hpp"
#include "relay/admin/problem.hpp"

namespace signet::admin {
namespace {

using nlohmann::json;

constexpr std::string_view kNoDomain = "this is not a domain name";
constexpr std::string_view kNoSelector =
    "a selector is labels of letters, digits, '-' and '_', such as s20260101";

/// Without the directories of the path it begins with.
std::string without_directories(std::string_view words) {
  if (!words.starts_with('/')) return std::string(words);
  return std::string(words.substr(words.rfind('/', words.find(": ")) + 1));
}

/// Operators are told what the command line tells them; of what is not there not the place.
void refuse(Call call, const Error& error) {
  std::string words = error.detail.empty() ? error.public_text() : error.detail;
  if (error.fault == Fault::not_found) words = without_directories(words);
  call.respond(problem(status_of(error.fault), words, row(error.fault).name), words);
}

}  // namespace

void KeyApi::add_routes(RouteTable& table) {
  const auto add_reading = [&](std::string_view list_path, std::string_view path,
                               Describe describe) {
    table.add({.method = "GET",
               .path = list_path,
               .parameters = {"limit", "after"},
               .handler = [this, describe](Call call) { list(std::move(call), describe); }});
    table.add({.method = "GET", .path = path, .handler = [this, describe](Call call) {
                 show(std::move(call), describe);
               }});
  };
  add_reading("/v1/domains", "/v1/domains/{domain}", &KeyControl::signing);
  add_reading("/v1/keys", "/v1/keys/{domain}", &KeyControl::show);
  using Kind = Member::Kind;
  add_order(table, "/v1/keys/{domain}", KeyVerb::create, {{"selector"}, {"algorithm"}});
  add_order(table, "/v1/keys/{domain}/rotate", KeyVerb::rotate, {{"algorithm"}});
  add_order(table, "/v1/keys/{domain}/{selector}/import", KeyVerb::import,
            {{"private_key", Kind::lines}, {"legacy_until"}});
  add_order(table, "/v1/keys/{domain}/{selector}/publish", KeyVerb::publish);
  add_order(table, "/v1/keys/{domain}/{selector}/activate", KeyVerb::activate,
            {{"unproven", Kind::flag}});
  add_order(table, "/v1/keys/{domain}/{selector}/retire", KeyVerb::retire);
  add_order(table, "/v1/keys/{domain}/{selector}/revoke", KeyVerb::revoke);
}

void KeyApi::add_order(RouteTable& table, std::string_view path, KeyVerb verb,
                       std::vector<Member> members) {
  table.add({.method = "POST",
             .path = path,
             .scope = Scope::write,
             .members = std::move(members),
             .handler = [this, verb](Call call) { obey(std::move(call), verb); }});
}

void KeyApi::list(Call call, Describe describe) {
  const auto limit = page_limit(call.parameters);
  if (!limit) return call.refuse(limit.error());
  std::string after;
  if (const auto text = call.parameter("after"); !text.empty()) {
    const auto domain = Domain::parse(text);
    if (!domain) return call.refuse(400, "after is not a domain name");
    after = domain->text();
  }
  reads_.post([this, call = std::move(call), after, limit = *limit, describe]() mutable {
    answer_list(std::move(call), after, limit, describe);
  });
}

// A domain that can't be read is listed with the reason: the others must be seen all the same.
void KeyApi::answer_list(Call call, const std::string& after, std::size_t limit,
                         Describe describe) {
  const auto domains = control_.domains();
  if (!domains) return refuse(std::move(call), domains.error());
  const auto first = std::ranges::upper_bound(*domains, after, {}, &Domain::text);
  const auto left = static_cast<std::size_t>(domains->end() - first);
  json rows = json::array();
  for (const Domain& domain : std::span(first, std::min(limit, left))) {
    auto described = (control_.*describe)(domain);
    if (described) {
      rows.push_back(std::move(*described));
    } else {
      rows.push_back({{"domain", domain.text()}, {"problem", described.error().detail}});
    }
  }
  const json next = left > limit ? rows.back()["domain"] : json();
  call.respond(reply(200, {{"domains", std::move(rows)}, {"next", next}}));
}

void KeyApi::show(Call call, Describe describe) {
  const auto domain = Domain::parse(call.segment(0));
  if (!domain) return call.refuse(400, kNoDomain);
  reads_.post([this, call = std::move(call), domain = *domain, describe]() mutable {
    const auto described = (control_.*describe)(domain);
    if (!described) return refuse(std::move(call), described.error());
    call.respond(reply(200, *described));
  });
}

void KeyApi::obey(Call call, KeyVerb verb) {
  const auto domain = Domain::parse(call.segment(0));
  if (!domain) return call.refuse(400, kNoDomain);
  const bool is_in_path = call.segments.size() > 1;
  const std::string selector = is_in_path ? call.segment(1) : call.body.text("selector");
  if ((is_in_path || !selector.empty()) && !keys::is_selector(selector))
    return call.refuse(400, kNoSelector);
  std::string algorithm = call.body.text("algorithm");
  if (algorithm.empty()) algorithm = "rsa";
  if (algorithm != "rsa" && algorithm != "ed25519")
    return call.refuse(400, "algorithm is rsa or ed25519");
  KeyOrder order{verb,
                 *domain,
                 selector,
                 std::move(algorithm),
                 call.body.flag("unproven"),
                 call.caller.to_string(),
                 call.body.text("private_key"),
                 call.body.text("legacy_until")};
  orders_.post([this, call = std::move(call), order = std::move(order)]() mutable {
    const auto done = control_.obey(order);
    if (!done) return refuse(std::move(call), done.error());
    call.respond(reply(200, *done));
  });
}

}  // namespace signet::admin
