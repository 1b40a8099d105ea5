// The EHLO reply (RFC 5321 4.1.1.1).
#include <algorithm>
#include <charconv>

#include "relay/smtp/characters.hpp"
#include "relay/smtp/reply.hpp"

namespace signet::smtp {
namespace {

std::string_view next_word(std::string_view& text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

void take_size(std::string_view rest, Capabilities& capabilities) {
  capabilities.has_size = true;
  const std::string_view digits = next_word(rest);
  std::uint64_t size = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, size);
  if (error == std::errc{} && stop == end) capabilities.size = size;
}

void take_mechanisms(std::string_view rest, Capabilities& capabilities) {
  for (auto word = next_word(rest); !word.empty(); word = next_word(rest)) {
    const std::string mechanism = to_upper(word);
    if (std::ranges::find(capabilities.auth, mechanism) == capabilities.auth.end())
      capabilities.auth.push_back(mechanism);
  }
}

// limit-value of RFC 9422 3: up to six digits, the first not 0. Anything else is no limit.
std::uint32_t limit_value(std::string_view text) {
  constexpr std::size_t kMostDigits = 6;
  if (text.empty() || text.size() > kMostDigits || text.front() == '0') return 0;
  if (!std::ranges::all_of(text, is_digit)) return 0;
  std::uint32_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void take_limits(std::string_view rest, PeerLimits& limits) {
  for (auto word = next_word(rest); !word.empty(); word = next_word(rest)) {
    const std::size_t equals = std::min(word.find('='), word.size());
    const std::string name = to_upper(word.substr(0, equals));
    const std::uint32_t value = limit_value(word.substr(std::min(equals + 1, word.size())));
    if (value == 0) continue;
    if (name == "MAILMAX") limits.transactions = value;
    if (name == "RCPTMAX") limits.recipients = value;
    if (name == "RCPTDOMAINMAX") limits.recipient_domains = value;
  }
}

void take_line(std::string_view line, Capabilities& capabilities) {
  const std::string keyword = to_upper(next_word(line));
  if (keyword == "PIPELINING") capabilities.pipelining = true;
  if (keyword == "8BITMIME") capabilities.eight_bit_mime = true;
  if (keyword == "SMTPUTF8") capabilities.smtp_utf8 = true;
  if (keyword == "STARTTLS") capabilities.starttls = true;
  if (keyword == "DSN") capabilities.dsn = true;
  if (keyword == "CHUNKING") capabilities.chunking = true;
  if (keyword == "ENHANCEDSTATUSCODES") capabilities.enhanced_codes = true;
  if (keyword == "REQUIRETLS") capabilities.require_tls = true;
  if (keyword == "LIMITS") take_limits(line, capabilities.limits);
  if (keyword == "SIZE") take_size(line, capabilities);
  if (keyword == "AUTH") take_mechanisms(line, capabilities);
  // "AUTH=PLAIN LOGIN": the spelling of drafts before RFC 2554, still in use.
  if (keyword.starts_with("AUTH=")) {
    take_mechanisms(std::string_view(keyword).substr(5), capabilities);
    take_mechanisms(line, capabilities);
  }
}

}  // namespace

Capabilities parse_capabilities(const Reply& ehlo) {
  Capabilities capabilities;
  for (std::size_t i = 1; i < ehlo.lines.size(); ++i) take_line(ehlo.lines[i], capabilities);
  return capabilities;
}

}  // namespace signet::smtp
