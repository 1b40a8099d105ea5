#include "relay/admin/request_target.hpp"

#include <algorithm>
#include <optional>

namespace signet::admin {
namespace {

constexpr std::size_t kMaxTarget = 4096;
constexpr std::size_t kMaxSegments = 8;
constexpr std::size_t kMaxParameters = 16;

Failure refuse(const std::string& why) { return fail(Fault::bad_parameter, why, why); }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// RFC 3986 2.1; nothing for an escape that is none, or a control character behind one.
std::optional<std::string> decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char octet = text[i];
    if (octet == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      octet = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (is_control(octet)) return std::nullopt;
    decoded.push_back(octet);
  }
  return decoded;
}

/// The piece of `text` up to `separator`, which both leave it.
std::string_view cut(std::string_view& text, char separator) {
  const auto end = std::min(text.find(separator), text.size());
  const std::string_view piece = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return piece;
}

Result<std::vector<std::string>> parse_path(std::string_view path) {
  std::vector<std::string> segments;
  if (!path.starts_with('/')) return refuse("a path begins with /");
  if (path.size() > 1 && path.ends_with('/')) return refuse("a path does not end with /");
  path.remove_prefix(1);
  while (!path.empty()) {
    auto segment = decode(cut(path, '/'));
    if (!segment) return refuse("the path holds a wrong %-escape or a control character");
    if (segment->empty() || *segment == "." || *segment == "..")
      return refuse("the path holds an empty segment, \".\" or \"..\"");
    segments.push_back(std::move(*segment));
    if (segments.size() > kMaxSegments) return refuse("the path has too many segments");
  }
  return segments;
}

Result<Parameters> parse_query(std::string_view query) {
  Parameters parameters;
  while (!query.empty()) {
    std::string_view pair = cut(query, '&');
    const bool has_value = pair.find('=') != std::string_view::npos;
    auto name = decode(cut(pair, '='));
    auto value = decode(pair);
    if (!has_value || !name || name->empty() || !value)
      return refuse("the query is not name=value&name=value, or holds a wrong %-escape");
    if (!parameters.emplace(*name, std::move(*value)).second)
      return refuse("the query gives a parameter twice");
    if (parameters.size() > kMaxParameters) return refuse("the query has too many parameters");
  }
  return parameters;
}

}  // namespace

Result<RequestTarget> parse_target(std::string_view text) {
  if (text.size() > kMaxTarget) return refuse("the target is longer than 4,096 octets");
  const std::string_view path = cut(text, '?');
  auto segments = parse_path(path);
  if (!segments) return segments.failure();
  auto parameters = parse_query(text);
  if (!parameters) return parameters.failure();
  return RequestTarget{std::move(*segments), std::move(*parameters)};
}

std::string encode_value(std::string_view value) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  constexpr std::string_view kPlain = "-._~";  // RFC 3986 2.3, beside letters and digits.
  std::string encoded;
  for (const char c : value) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (is_letter || (c >= '0' && c <= '9') || kPlain.find(c) != std::string_view::npos) {
      encoded += c;
      continue;
    }
    const auto octet = static_cast<unsigned char>(c);
    encoded.append({'%', kHex[octet >> 4U], kHex[octet & 15U]});
  }
  return encoded;
}

}  // namespace signet::admin
