#include "config/next_hop.hpp"

#include <charconv>

#include "relay/base/domain.hpp"
#include "relay/base/ip_address.hpp"

namespace signet::config {
namespace {

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool is_whole = error == std::errc{} && end == text.data() + text.size();
  if (!is_whole || port == 0) return fail(Fault::bad_parameter);
  return port;
}

/// A name or an address, IPv6 in brackets, without them in the result.
Result<std::string> parse_host(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  const auto address = IpAddress::parse(text);
  if (address) return address->to_string();
  const auto domain = Domain::parse(text);
  if (!domain) return domain.failure();
  return domain->text();
}

}  // namespace

Result<NextHop> parse_next_hop(std::string_view text) {
  NextHop hop;
  hop.implicit_tls = text.starts_with("smtps://");
  if (!hop.implicit_tls && !text.starts_with("smtp://")) return fail(Fault::bad_parameter);
  text.remove_prefix(hop.implicit_tls ? 8 : 7);
  hop.port = hop.implicit_tls ? 465 : 25;
  const auto colon = text.rfind(':');
  if (colon != std::string_view::npos && !text.ends_with(']')) {
    const auto port = parse_port(text.substr(colon + 1));
    if (!port) return port.failure();
    hop.port = *port;
    text = text.substr(0, colon);
  }
  auto host = parse_host(text);
  if (!host) return host.failure();
  hop.host = std::move(*host);
  return hop;
}

}  // namespace signet::config
