// The grammar of SMTP commands (RFC 5321 4.1): a line in, a typed command out. No I/O, no state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "relay/base/envelope.hpp"
#include "relay/base/result.hpp"

namespace signet::smtp {

constexpr std::size_t kMaxCommandLine =
    2048;  ///< With CRLF: 512 of RFC 5321 4.5.3.1.4 and the extensions' share.
constexpr std::size_t kMaxAuthLine = 12288;  ///< RFC 4954 4.
constexpr std::size_t kMaxTextLine = 1000;   ///< RFC 5321 4.5.3.1.6, with CRLF.

enum class Verb {
  helo,
  ehlo,
  mail,
  rcpt,
  data,
  bdat,
  rset,
  noop,
  quit,
  vrfy,
  expn,
  help,
  starttls,
  auth,
  unknown
};

struct Command {
  Verb verb = Verb::unknown;
  std::string_view argument;  ///< After the verb and its space; views the line.
};

/// Splits a line (without CRLF). Case-insensitive verb. White space at the end is dropped (RFC 5321
/// 4.1.1). Never fails: what is not a verb, and any line that holds a control octet, is `unknown`.
[[nodiscard]] Command parse_command(std::string_view line);

/// EHLO/HELO argument: a domain or an address literal. Underscores in names are tolerated (common
/// in the field). Fault: bad_parameter.
[[nodiscard]] Result<std::string> parse_helo(std::string_view argument);

struct MailCommand {
  ReversePath sender;
  std::optional<std::uint64_t> size;  ///< SIZE= (RFC 1870)
  bool eight_bit = false;             ///< BODY=8BITMIME
  bool utf8 = false;                  ///< SMTPUTF8 (RFC 6531)
  bool require_tls = false;           ///< REQUIRETLS (RFC 8689)
  std::string auth;                   ///< AUTH= (RFC 4954 5), xtext, ignored by us
  std::string dsn_return;             ///< RET=
  std::string envelope_id;            ///< ENVID=
};

/// What the server offers, hence which parameters it knows; any other is unknown.
struct Offered {
  bool size = true;
  bool eight_bit = true;
  bool utf8 = false;
  bool dsn = false;
  bool auth = false;
  bool require_tls = false;
};

/// Argument of MAIL ("FROM:<a@b> SIZE=1"). Faults: syntax in the path bad_sender; parameter
/// unknown_parameter or bad_parameter. Source routes, percent and bang paths in the domain part,
/// address literals and spaces after the colon are refused. utf8_not_offered for octets over 127 in
/// the path without SMTPUTF8.
[[nodiscard]] Result<MailCommand> parse_mail(std::string_view argument, const Offered& offered);
/// Argument of RCPT. Pass `offered.utf8` only if MAIL declared SMTPUTF8. `<postmaster>` without
/// domain gives a mailbox at `hostname`. Faults: bad_recipient, unknown_parameter, bad_parameter.
[[nodiscard]] Result<Recipient> parse_rcpt(std::string_view argument, const Offered& offered,
                                           const Domain& hostname);

struct BdatCommand {
  std::uint64_t size = 0;  ///< Octets that follow the command's CRLF.
  bool last = false;
};

/// Argument of BDAT ("86 LAST", RFC 3030 2). Fault: bad_parameter; it is then unknown how many
/// octets follow.
[[nodiscard]] Result<BdatCommand> parse_bdat(std::string_view argument);

/// Mailbox of RFC 5321 4.1.2: dot-string or quoted-string @ domain; local part at most 64, all at
/// most 254. Octets over 127 only with `utf8`. Fault: bad_parameter.
[[nodiscard]] Result<Mailbox> parse_mailbox(std::string_view text, bool utf8 = false);

/// xtext of RFC 3461 4. decode: fault bad_parameter.
[[nodiscard]] std::string encode_xtext(std::string_view text);
[[nodiscard]] Result<std::string> decode_xtext(std::string_view text);

/// The two forms of an address in ORCPT=utf-8;… (RFC 6533 3): ASCII with \x{HEX} for the rest, and,
/// where SMTPUTF8 is spoken (`raw`), UTF-8 as it is. decode: fault bad_parameter.
[[nodiscard]] std::string encode_utf8_address(std::string_view address);
[[nodiscard]] Result<std::string> decode_utf8_address(std::string_view text, bool raw);

/// Base64 of RFC 4648 4, strict (no white space, right padding). decode: fault bad_parameter.
[[nodiscard]] std::string encode_base64(std::string_view octets);
[[nodiscard]] Result<std::string> decode_base64(std::string_view text);

}  // namespace signet::smtp
