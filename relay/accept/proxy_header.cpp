#include "relay/accept/proxy_header.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace signet::accept {
namespace {

using namespace std::string_view_literals;

constexpr auto kTextMark = "PROXY "sv;
constexpr auto kBinaryMark = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::size_t kShortestText = 15;  // "PROXY UNKNOWN" CRLF
constexpr std::size_t kLongestText = 107;
constexpr std::size_t kFixed = 16;  // Of version 2, before the addresses.

Failure wrong(const char* what) { return fail(Fault::proxy_header_wrong, what); }

/// One of the two could still become the other.
bool agrees(std::string_view so_far, std::string_view mark) {
  return so_far.substr(0, mark.size()) == mark.substr(0, so_far.size());
}

// ---- Version 1: "PROXY" SP family SP source SP destination SP port SP port CRLF.

std::string_view next_word(std::string_view& line) {
  const std::size_t space = line.find(' ');
  const std::string_view word = line.substr(0, space);
  line.remove_prefix(std::min(line.size(), word.size() + 1));
  return word;
}

/// Decimal, without leading zeros.
std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool is_whole = error == std::errc{} && stop == text.data() + text.size();
  if (!is_whole || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  return port;
}

std::optional<IpAddress> parse_address(std::string_view text, bool v6) {
  if (text.contains(':') != v6) return std::nullopt;
  const auto address = IpAddress::parse(text);
  if (!address) return std::nullopt;
  return *address;
}

Result<ProxyHeader> parse_text(std::string_view line) {
  line.remove_prefix(kTextMark.size());
  const std::string_view family = next_word(line);
  // What follows UNKNOWN must be ignored.
  if (family == "UNKNOWN") return ProxyHeader{};
  if (family != "TCP4" && family != "TCP6") return wrong("family");
  const bool v6 = family == "TCP6";
  const auto source = parse_address(next_word(line), v6);
  const auto destination = parse_address(next_word(line), v6);
  const auto source_port = parse_port(next_word(line));
  const auto destination_port = parse_port(line);
  if (!source || !destination || !source_port || !destination_port) return wrong("address");
  return ProxyHeader{.client = Endpoint{*source, *source_port}};
}

Result<ProxyHeader> read_text(std::string_view so_far) {
  if (so_far.ends_with("\r\n")) return parse_text(so_far.substr(0, so_far.size() - 2));
  if (so_far.contains('\n') || so_far.contains('\0')) return wrong("not a line");
  if (so_far.size() >= kLongestText) return wrong("too long");
  return ProxyHeader{.wants = so_far.size() < kShortestText ? kShortestText - so_far.size() : 1};
}

// ---- Version 2: mark, version and command, family and protocol, length, addresses, TLVs.

std::uint8_t octet(std::string_view text, std::size_t at) {
  return static_cast<std::uint8_t>(text[at]);
}

std::uint16_t number(std::string_view text, std::size_t at) {
  return static_cast<std::uint16_t>(octet(text, at) << 8U | octet(text, at + 1));
}

Result<ProxyHeader> read_binary(std::string_view so_far) {
  enum Command : std::uint8_t { local = 0, proxy = 1 };
  enum Family : std::uint8_t { unspecified = 0, inet = 1, inet6 = 2, unix_socket = 3 };
  constexpr std::uint8_t kStream = 1;
  if (so_far.size() < kFixed) return ProxyHeader{.wants = kFixed - so_far.size()};
  if (octet(so_far, 12) >> 4U != 2) return wrong("version");
  const std::size_t length = number(so_far, 14);
  if (kFixed + length > kMaxProxyHeader) return wrong("too long");
  const unsigned command = octet(so_far, 12) & 15U;
  const unsigned family = octet(so_far, 13) >> 4U;
  const unsigned protocol = octet(so_far, 13) & 15U;
  if (command > proxy) return wrong("command");
  if (command == proxy && (family > unix_socket || protocol > kStream)) return wrong("family");
  const bool has_address = command == proxy && protocol == kStream;
  const bool is_inet = has_address && family == inet;
  const bool is_inet6 = has_address && family == inet6;
  if (length < (is_inet6 ? 36U : (is_inet ? 12U : 0U))) return wrong("too short for its addresses");
  if (so_far.size() < kFixed + length) return ProxyHeader{.wants = kFixed + length - so_far.size()};
  if (!is_inet && !is_inet6) return ProxyHeader{};
  const std::string_view addresses = so_far.substr(kFixed);
  const std::size_t size = is_inet6 ? 16 : 4;
  std::array<std::uint8_t, 16> source{};
  std::copy_n(addresses.begin(), size, source.begin());
  return ProxyHeader{.client = Endpoint{IpAddress::from_bytes(source.data(), is_inet6),
                                        number(addresses, 2 * size)}};
}

}  // namespace

Result<ProxyHeader> read_proxy_header(std::string_view so_far) {
  const bool is_binary = agrees(so_far, kBinaryMark);
  if (!is_binary && !agrees(so_far, kTextMark)) return wrong("no PROXY header");
  // Both begin alike only while there is nothing.
  return is_binary && !so_far.empty() ? read_binary(so_far) : read_text(so_far);
}

}  // namespace signet::accept
