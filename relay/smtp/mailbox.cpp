// Mailbox of RFC 5321 4.1.2.
#include <algorithm>

#include "relay/smtp/characters.hpp"
#include "relay/smtp/command.hpp"
#include "relay/smtp/utf8.hpp"

namespace signet::smtp {
namespace {

constexpr std::size_t kMaxLocal = 64;     // RFC 5321 4.5.3.1.1
constexpr std::size_t kMaxMailbox = 254;  // RFC 5321 4.5.3.1.3: a path of 256 with its brackets.

Failure refuse(std::string_view text, const char* why) {
  return fail(Fault::bad_parameter, std::string(why) + ": " + std::string(text), why);
}

bool is_dot_string(std::string_view text) {
  while (true) {
    const std::size_t dot = text.find('.');
    const std::string_view atom = text.substr(0, dot);
    const auto fits = [](char c) { return is_atext(c) || is_eight_bit(c); };
    if (atom.empty() || !std::ranges::all_of(atom, fits)) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

// Octets of the quoted-string at the start of `text`, its quotes included; 0 if there is none.
std::size_t quoted_string(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1;
    if (text[i] == '\\') {
      ++i;
      if (i == text.size() || !is_printable(text[i])) return 0;
    }
    if (is_control(text[i])) return 0;
  }
  return 0;
}

// Where the local part ends, hence where the "@" stands.
std::size_t local_part(std::string_view text) {
  if (text.starts_with('"')) return quoted_string(text);
  const std::size_t at = std::min(text.find('@'), text.size());
  return is_dot_string(text.substr(0, at)) ? at : 0;
}

}  // namespace

Result<Mailbox> parse_mailbox(std::string_view text, bool utf8) {
  if (has_eight_bit(text) && !(utf8 && is_utf8(text)))
    return refuse(text, "Octets over 127 in an address");
  const std::size_t at = local_part(text);
  if (at == 0) return refuse(text, "Local part of the address is malformed");
  if (at > kMaxLocal) return refuse(text, "Local part of the address is over 64 octets");
  if (at == text.size() || text[at] != '@') return refuse(text, "Address has no domain");
  auto domain = Domain::parse(text.substr(at + 1));
  if (!domain) return refuse(text, "Domain of the address is malformed");
  if (at + 1 + domain->text().size() > kMaxMailbox)
    return refuse(text, "Address is over 254 octets");
  return Mailbox{.local = std::string(text.substr(0, at)), .domain = std::move(*domain)};
}

}  // namespace signet::smtp
