// Where raw 8-bit text may stand in a field, and what becomes of it (RFC 2047 5).
#include <algorithm>
#include <array>

#include "relay/parse/encoded_words.hpp"
#include "relay/parse/lines.hpp"
#include "relay/parse/parsed.hpp"
#include "relay/parse/structured_field.hpp"
#include "relay/smtp/characters.hpp"

namespace signet::parse {
namespace {

// Fields with display names before their addresses.
constexpr std::array<std::string_view, 19> kAddressFields{"From",
                                                          "Sender",
                                                          "Reply-To",
                                                          "To",
                                                          "Cc",
                                                          "Bcc",
                                                          "Resent-To",
                                                          "Resent-From",
                                                          "Resent-Cc",
                                                          "Resent-Sender",
                                                          "Resent-Bcc",
                                                          "Resent-Reply-To",
                                                          "Errors-To",
                                                          "List-ID",
                                                          "Mail-Reply-To",
                                                          "Mail-Followup-To",
                                                          "Disposition-Notification-To",
                                                          "Return-Receipt-To",
                                                          "Apparently-To"};

// Fields of other grammar: only their comments can hold encoded words.
constexpr std::array<std::string_view, 27> kStructuredFields{"Date",
                                                             "Resent-Date",
                                                             "Message-ID",
                                                             "Resent-Message-ID",
                                                             "In-Reply-To",
                                                             "References",
                                                             "Received",
                                                             "Return-Path",
                                                             "MIME-Version",
                                                             "Content-Type",
                                                             "Content-ID",
                                                             "Content-Transfer-Encoding",
                                                             "Content-Disposition",
                                                             "Content-Language",
                                                             "DKIM-Signature",
                                                             "Authentication-Results",
                                                             "ARC-Seal",
                                                             "ARC-Message-Signature",
                                                             "ARC-Authentication-Results",
                                                             "Received-SPF",
                                                             "List-Unsubscribe",
                                                             "List-Unsubscribe-Post",
                                                             "List-Post",
                                                             "List-Help",
                                                             "List-Archive",
                                                             "Keywords",
                                                             "Auto-Submitted"};

bool is_in(const auto& names, std::string_view name) {
  return std::ranges::any_of(
      names, [&](std::string_view known) { return smtp::equals_ignoring_case(known, name); });
}

std::string encoded_field(std::string_view name, std::string_view value) {
  std::string field(name);
  field += ':';
  if (is_in(kAddressFields, name) || is_in(kStructuredFields, name))
    append_structured(field, value, is_in(kAddressFields, name));
  else
    append_words(field, split_words(value));
  return field + "\r\n";
}

}  // namespace

std::vector<std::string> encode_eight_bit_header(MessageHeader& header) {
  std::vector<std::string> changed;
  for (std::size_t i = 0; i < header.fields().size(); ++i) {
    const Field field = header.fields()[i];
    if (!smtp::has_eight_bit(header.text(field))) continue;
    const std::string text = encoded_field(header.name(field), header.value(field));
    if (text == header.text(field) || has_long_line(text)) continue;
    changed.emplace_back(header.name(field));
    header.replace(field, text);
  }
  return changed;
}

}  // namespace signet::parse
