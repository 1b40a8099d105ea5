#include "relay/smtp/command.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "relay/base/ip_address.hpp"
#include "relay/smtp/characters.hpp"

namespace signet::smtp {
namespace {

constexpr std::size_t kMaxHelo = 255;
constexpr std::size_t kMaxLabel = 63;

constexpr std::array<std::pair<std::string_view, Verb>, 14> kVerbs{{
    {"HELO", Verb::helo},
    {"EHLO", Verb::ehlo},
    {"MAIL", Verb::mail},
    {"RCPT", Verb::rcpt},
    {"DATA", Verb::data},
    {"BDAT", Verb::bdat},
    {"RSET", Verb::rset},
    {"NOOP", Verb::noop},
    {"QUIT", Verb::quit},
    {"VRFY", Verb::vrfy},
    {"EXPN", Verb::expn},
    {"HELP", Verb::help},
    {"STARTTLS", Verb::starttls},
    {"AUTH", Verb::auth},
}};

bool is_address_literal(std::string_view text) {
  if (!text.starts_with('[') || !text.ends_with(']')) return false;
  text = text.substr(1, text.size() - 2);
  const bool v6 = text.size() > 5 && equals_ignoring_case(text.substr(0, 5), "IPv6:");
  if (v6) text.remove_prefix(5);
  const bool looks_v6 = text.find(':') != std::string_view::npos;
  return v6 == looks_v6 && IpAddress::parse(text).has_value();
}

bool is_helo_label(std::string_view label) {
  if (label.empty() || label.size() > kMaxLabel) return false;
  if (label.front() == '-' || label.back() == '-') return false;
  return std::ranges::all_of(
      label, [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; });
}

bool is_helo_domain(std::string_view text) {
  if (text.size() > kMaxHelo) return false;
  while (true) {
    const std::size_t dot = text.find('.');
    if (!is_helo_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

}  // namespace

Command parse_command(std::string_view line) {
  while (!line.empty() && is_wsp(line.back())) line.remove_suffix(1);
  if (std::ranges::any_of(line, is_control)) return {};
  const std::size_t space = std::min(line.find(' '), line.size());
  const std::string_view verb = line.substr(0, space);
  const auto* const known = std::ranges::find_if(
      kVerbs, [&](const auto& entry) { return equals_ignoring_case(entry.first, verb); });
  return {.verb = known == kVerbs.end() ? Verb::unknown : known->second,
          .argument = line.substr(std::min(space + 1, line.size()))};
}

Result<std::string> parse_helo(std::string_view argument) {
  if (is_address_literal(argument) || is_helo_domain(argument)) return std::string(argument);
  return fail(Fault::bad_parameter, "HELO argument is no domain: " + std::string(argument),
              "HELO needs a domain name or an address literal");
}

}  // namespace signet::smtp
