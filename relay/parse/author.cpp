// Whose message it is: the From field (RFC 5322 3.4, 3.6.2).
#include "relay/parse/address_scanner.hpp"
#include "relay/parse/lines.hpp"
#include "relay/parse/parsed.hpp"
#include "relay/smtp/characters.hpp"
#include "relay/smtp/command.hpp"

namespace signet::parse {
namespace {

/// An address and where its addr-spec stands in the field's value.
struct Located {
  Mailbox address;
  std::size_t begin = 0;
  std::size_t size = 0;
};

Failure malformed(const char* why) { return fail(Fault::author_malformed, why, why); }
Failure several() {
  return fail(Fault::author_ambiguous, "several addresses in From",
              "From must hold exactly one address");
}

bool is_dot_atom_octet(char c) { return smtp::is_atext(c) || c == '.'; }
bool is_wide_dot_atom_octet(char c) { return is_dot_atom_octet(c) || smtp::is_eight_bit(c); }
bool is_atom_octet(char c) { return smtp::is_atext(c) || smtp::is_eight_bit(c); }

/// mailbox = name-addr / addr-spec, and nothing after it.
class AuthorParser {
 public:
  AuthorParser(std::string_view value, bool utf8) : scan_(value), utf8_(utf8) {}

  Result<Located> run() {
    if (!scan_.skip_cfws()) return malformed("Comment in From does not end or is nested too deep");
    const std::size_t begin = scan_.position();
    if (auto phrase = skip_phrase(); !phrase) return phrase.failure();
    const bool is_name_addr = scan_.peek() == '<';
    if (is_name_addr)
      scan_.skip();
    else
      scan_.seek(begin);
    auto found = take_addr_spec();
    if (!found) return found;
    if (is_name_addr && scan_.peek() != '>')
      return malformed("Only local@domain may stand in the angle brackets of From");
    if (is_name_addr) scan_.skip();
    if (auto end = expect_end(); !end) return end.failure();
    return found;
  }

 private:
  // Up to the "<" of a name-addr or the "@" of a bare addr-spec.
  Result<void> skip_phrase() {
    while (scan_.skip_cfws()) {
      const char c = scan_.peek();
      if (c == '<' || c == '@') return {};
      if (scan_.at_end()) return malformed("From holds no address");
      if (c == ':') return malformed("From must be one address, not a group");
      if (c == ',') return malformed("A display name with a comma must be quoted, in From");
      if (c == '"') {
        if (scan_.take_quoted_string().empty()) return malformed("Open quoted string in From");
      } else if (c == '.') {
        scan_.skip();
      } else if (scan_.take_while(is_atom_octet).empty()) {
        return malformed("A display name with special characters must be quoted, in From");
      }
    }
    return malformed("Comment in From does not end or is nested too deep");
  }

  Result<Located> take_addr_spec() {
    const std::size_t begin = scan_.position();
    if (scan_.peek() == '@') return malformed("Source route or no local part in From");
    const auto belongs = utf8_ ? is_wide_dot_atom_octet : is_dot_atom_octet;
    const std::string_view local =
        scan_.peek() == '"' ? scan_.take_quoted_string() : scan_.take_while(belongs);
    if (scan_.peek() != '@')
      return malformed("Address in From is not local@domain, without spaces and comments");
    if (local.find("=?") != std::string_view::npos)
      return malformed("Encoded word inside the address of From");
    scan_.skip();
    if (scan_.peek() == '[') return malformed("Address literal in From");
    const auto domain = Domain::parse(scan_.take_while(is_wide_dot_atom_octet));
    if (!domain) return malformed("Domain in From is malformed");
    auto address = smtp::parse_mailbox(std::string(local) + "@" + domain->text(), utf8_);
    if (!address) return malformed("Local part in From is malformed");
    return Located{
        .address = std::move(*address), .begin = begin, .size = scan_.position() - begin};
  }

  Result<void> expect_end() {
    if (!scan_.skip_cfws()) return malformed("Comment in From does not end or is nested too deep");
    if (scan_.at_end()) return {};
    if (scan_.peek() == ',') return several();
    return malformed("Text after the address in From: a display name with @ must be quoted");
  }

  AddressScanner scan_;
  bool utf8_;
};

Result<Located> locate(const MessageHeader& header, bool utf8) {
  const std::size_t count = header.count("From");
  if (count == 0) return fail(Fault::author_missing);
  if (count > 1) return fail(Fault::author_ambiguous, "several From fields");
  return AuthorParser(header.value(*header.find("From")), utf8).run();
}

}  // namespace

Result<Author> find_author(const MessageHeader& header, bool utf8) {
  auto found = locate(header, utf8);
  if (!found) return found.failure();
  return Author{.address = std::move(found->address)};
}

Result<void> replace_author(MessageHeader& header, const Mailbox& address) {
  const auto found = locate(header, true);
  if (!found) return found.failure();
  const Field& field = *header.find("From");
  std::string text(header.text(field));
  text.replace(field.name_size + 1 + found->begin, found->size, address.to_string());
  if (has_long_line(text)) return fail(Fault::line_over_998, "From after the rewrite");
  header.replace(field, text);
  return {};
}

}  // namespace signet::parse
