#include "relay/parse/content_type.hpp"

#include <algorithm>

#include "relay/parse/address_scanner.hpp"
#include "relay/smtp/characters.hpp"

namespace signet::parse {
namespace {

constexpr std::size_t kMaxBoundary = 70;  // RFC 2046 5.1.1

// tspecials of RFC 2045 5.1. "=" and "?" are let into values: unquoted boundaries are full of them.
bool is_token_octet(char c) {
  return smtp::is_printable(c) &&
         std::string_view(" ()<>@,;:\\\"/[]?=").find(c) == std::string_view::npos;
}
bool is_value_octet(char c) {
  return smtp::is_printable(c) && std::string_view(" ();\"").find(c) == std::string_view::npos;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return smtp::to_lower(c); });
  return out;
}

std::string unquote(std::string_view quoted) {
  std::string out;
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    if (quoted[i] == '\\' && i + 2 < quoted.size()) ++i;
    if (quoted[i] != '\r' && quoted[i] != '\n') out += quoted[i];
  }
  return out;
}

class Parser {
 public:
  explicit Parser(std::string_view value) : scan_(value) {}

  Result<ContentType> run() {
    ContentType found;
    found.type = token();
    if (!take('/')) return broken();
    found.subtype = token();
    if (found.type.empty() || found.subtype.empty()) return broken();
    while (take(';')) {
      if (at_end()) break;  // A trailing semicolon is common.
      if (!parameter(found)) return broken();
    }
    if (!at_end()) return broken();
    return found;
  }

  std::string token() {
    if (!scan_.skip_cfws()) return {};
    return lower(scan_.take_while(is_token_octet));
  }

  bool at_end() { return scan_.skip_cfws() && scan_.at_end(); }

 private:
  static Failure broken() { return fail(Fault::header_malformed, "broken Content-Type"); }

  bool take(char wanted) {
    if (!scan_.skip_cfws() || scan_.peek() != wanted) return false;
    scan_.skip();
    return true;
  }

  bool parameter(ContentType& found) {
    const std::string name = token();
    if (name.empty() || !take('=') || !scan_.skip_cfws()) return false;
    const bool is_quoted = scan_.peek() == '"';
    const std::string_view raw =
        is_quoted ? scan_.take_quoted_string() : scan_.take_while(is_value_octet);
    if (raw.empty()) return false;
    if (name != "boundary") return true;
    if (!found.boundary.empty()) return false;
    found.boundary = is_quoted ? unquote(raw) : std::string(raw);
    return !found.boundary.empty() && found.boundary.size() <= kMaxBoundary &&
           !found.boundary.ends_with(' ');
  }

  AddressScanner scan_;
};

}  // namespace

Result<ContentType> content_type(const MessageHeader& header) {
  const std::size_t count = header.count("Content-Type");
  if (count == 0) return ContentType{};
  if (count > 1) return fail(Fault::header_malformed, "several Content-Type fields");
  return Parser(header.value(*header.find("Content-Type"))).run();
}

Result<TransferEncoding> transfer_encoding(const MessageHeader& header) {
  static constexpr std::string_view kName = "Content-Transfer-Encoding";
  const std::size_t count = header.count(kName);
  if (count == 0) return TransferEncoding::identity;
  if (count > 1) return fail(Fault::header_malformed, "several Content-Transfer-Encoding fields");
  Parser parser(header.value(*header.find(kName)));
  const std::string name = parser.token();
  if (!parser.at_end()) return fail(Fault::header_malformed, "broken Content-Transfer-Encoding");
  if (name == "7bit" || name == "8bit" || name == "binary") return TransferEncoding::identity;
  if (name == "quoted-printable") return TransferEncoding::quoted_printable;
  if (name == "base64") return TransferEncoding::base64;
  return fail(Fault::header_malformed, "unknown Content-Transfer-Encoding");
}

}  // namespace signet::parse
