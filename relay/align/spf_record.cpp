#include "relay/align/spf_record.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace signet::align {
namespace {

constexpr std::string_view kVersion = "v=spf1";
constexpr std::size_t kMaxShown = 255;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_alpha(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }
bool is_name_character(char c) {
  return is_alpha(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

bool same_word(std::string_view text, std::string_view word) {
  return std::ranges::equal(text, word, [](char c, char w) { return lower(c) == w; });
}

Failure wrong(std::string what) { return fail(Fault::bad_parameter, std::move(what)); }

constexpr std::array<std::pair<std::string_view, SpfMechanism>, 8> kMechanisms{{
    {"all", SpfMechanism::all},
    {"include", SpfMechanism::include},
    {"a", SpfMechanism::a},
    {"mx", SpfMechanism::mx},
    {"ptr", SpfMechanism::ptr},
    {"ip4", SpfMechanism::ip4},
    {"ip6", SpfMechanism::ip6},
    {"exists", SpfMechanism::exists},
}};

std::optional<SpfOutcome> qualifier(char c) {
  switch (c) {
    case '+':
      return SpfOutcome::pass;
    case '-':
      return SpfOutcome::fail;
    case '~':
      return SpfOutcome::softfail;
    case '?':
      return SpfOutcome::neutral;
    default:
      return {};
  }
}

// No leading zeros: "0" / %x31-39 *DIGIT.
Result<unsigned> prefix_length(std::string_view digits, unsigned width) {
  unsigned length = 0;
  const auto [stop, error] = std::from_chars(digits.begin(), digits.end(), length);
  const bool has_leading_zero = digits.size() > 1 && digits.front() == '0';
  if (error != std::errc() || stop != digits.end() || has_leading_zero || length > width) {
    return wrong("a bad prefix length");
  }
  return length;
}

/// Cuts "/" digits (or "//" digits, as `slashes` says) off the end of `text`. The end of a
/// domain-spec can't look like that, so this is never ambiguous.
Result<std::optional<unsigned>> cut_prefix(std::string_view& text, std::string_view slashes,
                                           unsigned width) {
  const std::size_t last = text.find_last_not_of("0123456789");
  if (last == std::string_view::npos || last + 1 == text.size()) return std::optional<unsigned>{};
  const std::string_view head = text.substr(0, last + 1);
  const bool is_dual = head.ends_with("//");
  if (!head.ends_with(slashes) || is_dual != (slashes == "//")) return std::optional<unsigned>{};
  const auto length = prefix_length(text.substr(last + 1), width);
  if (!length) return length.failure();
  text = head.substr(0, head.size() - slashes.size());
  return std::optional<unsigned>(*length);
}

// dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ]
Result<void> read_dual_prefix(std::string_view& rest, SpfDirective& directive) {
  const auto six = cut_prefix(rest, "//", 128);
  if (!six) return six.failure();
  const auto four = cut_prefix(rest, "/", 32);
  if (!four) return four.failure();
  directive.prefix6 = six->value_or(128);
  directive.prefix4 = four->value_or(32);
  return {};
}

Result<void> read_target(std::string_view rest, bool is_needed, SpfDirective& directive) {
  if (rest.empty() && !is_needed) return {};
  if (!rest.starts_with(':')) return wrong("a domain is missing, or something follows the name");
  auto target = MacroString::parse_domain_spec(rest.substr(1));
  if (!target) return target.failure();
  directive.target = std::move(*target);
  return {};
}

Result<void> read_network(std::string_view rest, bool is_six, SpfDirective& directive) {
  if (!rest.starts_with(':')) return wrong("an address is missing");
  rest.remove_prefix(1);
  const auto prefix = cut_prefix(rest, "/", is_six ? 128 : 32);
  if (!prefix) return prefix.failure();
  std::array<char, 16> octets{};
  const std::string text(rest);
  // inet_pton takes what RFC 7208 5.6 asks for: four numbers without leading zeros, RFC 4291 2.2.
  if (text.contains('\0') || inet_pton(is_six ? AF_INET6 : AF_INET, text.c_str(), &octets) != 1) {
    return wrong("not an address");
  }
  directive.network.assign(octets.data(), is_six ? 16 : 4);
  (is_six ? directive.prefix6 : directive.prefix4) = prefix->value_or(is_six ? 128 : 32);
  return {};
}

Result<void> read_arguments(std::string_view rest, SpfDirective& directive) {
  switch (directive.mechanism) {
    case SpfMechanism::all:
      return rest.empty() ? Result<void>() : wrong("\"all\" takes nothing after it");
    case SpfMechanism::include:
    case SpfMechanism::exists:
      return read_target(rest, true, directive);
    case SpfMechanism::ptr:
      return read_target(rest, false, directive);
    case SpfMechanism::ip4:
    case SpfMechanism::ip6:
      return read_network(rest, directive.mechanism == SpfMechanism::ip6, directive);
    case SpfMechanism::a:
    case SpfMechanism::mx:
      break;
  }
  if (auto read = read_dual_prefix(rest, directive); !read) return read;
  return read_target(rest, false, directive);
}

Result<SpfDirective> read_directive(std::string_view term) {
  SpfDirective directive;
  directive.text = shown(term);
  if (const auto outcome = qualifier(term.front())) {
    directive.outcome = *outcome;
    term.remove_prefix(1);
  }
  const std::size_t end = std::min(term.find_first_of(":/"), term.size());
  const auto* found = std::ranges::find_if(kMechanisms, [&](const auto& mechanism) {
    return same_word(term.substr(0, end), mechanism.first);
  });
  if (found == kMechanisms.end()) return wrong("no such mechanism");
  directive.mechanism = found->second;
  if (auto read = read_arguments(term.substr(end), directive); !read) return read.failure();
  return directive;
}

// RFC 7208 6: redirect and exp at most once each. A known name with a bad value is no unknown
// modifier.
Result<void> read_known_modifier(std::string_view term, std::string_view value,
                                 std::optional<SpfModifier>& modifier) {
  if (modifier) return wrong("a modifier that may be there only once");
  auto target = MacroString::parse_domain_spec(value);
  if (!target) return target.failure();
  modifier = SpfModifier{std::move(*target), std::string(value), shown(term)};
  return {};
}

Result<void> read_term(std::string_view term, SpfRecord& record) {
  const auto name_end = std::ranges::find_if_not(term, is_name_character);
  const std::string_view name(term.begin(), name_end);
  if (name_end == term.end() || *name_end != '=' || name.empty() || !is_alpha(name.front())) {
    auto directive = read_directive(term);
    if (!directive) return directive.failure();
    record.directives.push_back(std::move(*directive));
    return {};
  }
  const std::string_view value = term.substr(name.size() + 1);
  if (same_word(name, "redirect")) return read_known_modifier(term, value, record.redirect);
  if (same_word(name, "exp")) return read_known_modifier(term, value, record.explanation);
  const auto unknown = MacroString::parse(value);
  return unknown ? Result<void>() : unknown.failure();
}

}  // namespace

bool is_spf_record(std::string_view text) {
  return same_word(text.substr(0, kVersion.size()), kVersion) &&
         (text.size() == kVersion.size() || text[kVersion.size()] == ' ');
}

Result<SpfRecord> parse_spf_record(std::string_view text) {
  if (!is_spf_record(text)) return wrong("no \"v=spf1\"");
  SpfRecord record;
  for (std::size_t at = kVersion.size(); at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string_view term = text.substr(at, end - at);
    at = end + 1;
    if (term.empty()) continue;
    if (auto read = read_term(term, record); !read) {
      return wrong("term \"" + shown(term) + "\": " + read.error().detail);
    }
  }
  return record;
}

bool in_network(std::string_view network, unsigned prefix, std::string_view address) {
  if (network.size() != address.size() || prefix > network.size() * 8) return false;
  const std::size_t whole = prefix / 8;
  if (network.substr(0, whole) != address.substr(0, whole)) return false;
  const unsigned rest = prefix % 8;
  if (rest == 0) return true;
  const auto differing = static_cast<unsigned>(static_cast<unsigned char>(network[whole]) ^
                                               static_cast<unsigned char>(address[whole]));
  return differing >> (8 - rest) == 0;
}

std::string shown(std::string_view text) {
  std::string clean(text.substr(0, kMaxShown));
  std::ranges::replace_if(clean, [](char c) { return c < ' ' || c >= 0x7F; }, '?');
  return text.size() > kMaxShown ? clean + "..." : clean;
}

}  // namespace signet::align
