// The argument of RCPT (RFC 5321 4.1.1.3) and its parameters.
#include <algorithm>
#include <set>

#include "relay/smtp/characters.hpp"
#include "relay/smtp/command.hpp"
#include "relay/smtp/parameter.hpp"
#include "relay/smtp/utf8.hpp"

namespace signet::smtp {
namespace {

constexpr std::size_t kMaxOriginalRecipient = 500;  // RFC 3461 4.2

// RFC 3461 4.1
bool is_notify(std::string_view list) {
  if (list == "NEVER") return true;
  std::set<std::string_view> seen;
  while (true) {
    const std::size_t comma = list.find(',');
    const std::string_view word = list.substr(0, comma);
    if (word != "SUCCESS" && word != "FAILURE" && word != "DELAY") return false;
    if (!seen.insert(word).second) return false;
    if (comma == std::string_view::npos) return true;
    list.remove_prefix(comma + 1);
  }
}

// Postfix (3.7) sends UTF-8 as the xtext of an rfc822 address, which RFC 3461 4.2 has no place for.
bool is_utf8_xtext(std::string_view text) {
  const auto decoded = decode_xtext(text);
  return decoded && !decoded->empty() && is_utf8(*decoded) &&
         std::ranges::none_of(*decoded, is_control);
}

bool is_original_recipient(std::string_view text, bool utf8) {
  const std::size_t semicolon = text.find(';');
  if (semicolon == std::string_view::npos || text.size() > kMaxOriginalRecipient) return false;
  const std::string_view type = text.substr(0, semicolon);
  const std::string_view address = text.substr(semicolon + 1);
  if (equals_ignoring_case(type, "utf-8")) return decode_utf8_address(address, utf8).has_value();
  const bool is_address =
      is_printable_xtext(address, kMaxOriginalRecipient) || (utf8 && is_utf8_xtext(address));
  return !type.empty() && std::ranges::all_of(type, is_atext) && is_address;
}

Result<void> take(const Parameter& parameter, const Offered& offered, DsnParameters& dsn) {
  if (parameter.keyword == "NOTIFY" && offered.dsn) {
    dsn.notify = to_upper(parameter.value);
    if (!is_notify(dsn.notify)) return refuse_value(parameter);
    return {};
  }
  if (parameter.keyword == "ORCPT" && offered.dsn) {
    dsn.original_recipient = parameter.value;
    if (!is_original_recipient(parameter.value, offered.utf8)) return refuse_value(parameter);
    return {};
  }
  return fail(Fault::unknown_parameter, parameter.keyword);
}

Result<Mailbox> address_of(std::string_view path, bool utf8, const Domain& hostname) {
  if (equals_ignoring_case(path, "postmaster"))
    return Mailbox{.local = std::string(path), .domain = hostname};
  return parse_path(path, Fault::bad_recipient, utf8);
}

}  // namespace

Result<Recipient> parse_rcpt(std::string_view argument, const Offered& offered,
                             const Domain& hostname) {
  const auto parts = split_path(argument, "TO:", Fault::bad_recipient);
  if (!parts) return parts.failure();
  auto address = address_of(parts->path, offered.utf8, hostname);
  if (!address) return address.failure();
  const auto parameters = parse_parameters(parts->parameters);
  if (!parameters) return parameters.failure();
  Recipient recipient{.address = std::move(*address), .dsn = {}};
  for (const Parameter& parameter : *parameters) {
    if (const auto taken = take(parameter, offered, recipient.dsn); !taken) return taken.failure();
  }
  return recipient;
}

}  // namespace signet::smtp
