// A request to the admin API as its parsers see it: a target, an Authorization field, a file of
// tokens and a body, each after a line's end. Held to: what is taken is clean and means one thing.
#include <algorithm>

#include "relay/admin/paging.hpp"
#include "relay/admin/queue_filter.hpp"
#include "relay/admin/request_body.hpp"
#include "relay/admin/request_target.hpp"
#include "relay/admin/route_table.hpp"
#include "relay/admin/tokens.hpp"
#include "tests/fuzz/require.hpp"

namespace signet::admin {
namespace {

using fuzz::require;

bool is_clean(std::string_view text) {
  return std::ranges::none_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::string encode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    encoded.push_back('%');
    encoded.push_back(kHex[octet >> 4U]);
    encoded.push_back(kHex[octet & 15U]);
  }
  return encoded;
}

RouteTable routes() {
  RouteTable table;
  for (const std::string_view path :
       {"/v1/queue", "/v1/queue/stats", "/v1/queue/{id}", "/v1/keys/{domain}",
        "/v1/keys/{domain}/rotate", "/v1/keys/{domain}/{selector}/publish"})
    table.add({.method = "GET", .path = path});
  return table;
}

void check_target(std::string_view text) {
  const auto target = parse_target(text);
  if (!target) return;
  std::string again;
  for (const std::string& segment : target->segments) {
    require(!segment.empty() && segment != "." && segment != ".." && is_clean(segment));
    again += "/" + encode(segment);
  }
  if (again.empty()) again = "/";
  char separator = '?';
  for (const auto& [name, value] : target->parameters) {
    require(!name.empty() && is_clean(name) && is_clean(value));
    again.push_back(separator);
    again += encode(name) + "=" + encode(value);
    separator = '&';
  }
  if (again.size() <= 4096) {
    const auto same = parse_target(again);
    require(same && same->segments == target->segments && same->parameters == target->parameters);
  }
  static const RouteTable kRoutes = routes();
  const auto match = kRoutes.find("GET", target->segments);
  require((match.route != nullptr) == !match.allowed.empty());
  for (const std::string& segment : match.segments)
    require(std::ranges::find(target->segments, segment) != target->segments.end());
  if (const auto limit = page_limit(target->parameters)) require(*limit >= 1 && *limit <= 1000);
  if (const auto filter = QueueFilter::parse(target->parameters)) {
    require(!filter->older_than || filter->older_than->count() >= 0);
    require(filter->matches(spool::Message{}, WallTime{}) || *filter != QueueFilter{});
  }
}

void check_tokens(std::string_view authorization, std::string_view file) {
  const auto token = bearer_token(authorization);
  if (token) require(!token->empty() && is_clean(*token) && !token->contains(' '));
  const auto tokens = Tokens::parse(file);
  if (!tokens) require(tokens.error().fault == Fault::configuration);
  // Nobody can write the hash of what they do not know.
  if (tokens && token) require(tokens->find(*token) == nullptr);
}

void check_body(std::string_view text) {
  static const std::vector<Member> kMembers{{"reason"}, {"unproven", Member::Kind::flag}};
  const auto body = parse_body(text, kMembers);
  if (!body) return require(!body.error().text.empty());
  require(is_clean(body->text("reason")) && body->text("reason").size() <= kMaxText);
  (void)body->flag("unproven");
}

}  // namespace
}  // namespace signet::admin

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
  std::string_view text = signet::fuzz::as_text(octets, size);
  const std::string_view target = signet::admin::take_line(text);
  const std::string_view authorization = signet::admin::take_line(text);
  signet::admin::check_target(target);
  signet::admin::check_body(text);
  signet::admin::check_tokens(authorization, text);
  return 0;
}
