// What parse makes of a header block: whose message it is, and the block as it will be signed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "relay/base/clock.hpp"
#include "relay/base/domain.hpp"
#include "relay/base/envelope.hpp"
#include "relay/parse/message_header.hpp"

namespace signet::parse {

/// The author: exactly one From field, exactly one mailbox in it (RFC 5322 3.6.2, RFC 9989 5.3.1).
struct Author {
  Mailbox address;
};

/// `utf8`: the message is SMTPUTF8, so the local part may hold UTF-8 (RFC 6532 3.2).
/// Strict RFC 5322 address grammar: no group, no route, no domain literal; of obsolete syntax only
/// dots in the display name; comments outside the addr-spec only. Octets over 127 may stand in the
/// display name and in comments (has_eight_bit() tells) and in the domain, which becomes A-labels.
/// Faults: author_missing; author_ambiguous for several fields or addresses; author_malformed.
[[nodiscard]] Result<Author> find_author(const MessageHeader& header, bool utf8 = false);

/// Puts another address into the From field that find_author understood; the display name and
/// comments stay octet for octet.
/// Faults: those of find_author; line_over_998.
[[nodiscard]] Result<void> replace_author(MessageHeader& header, const Mailbox& address);

struct TraceFacts {
  std::string hostname;  ///< Ours.
  std::string helo;      ///< What the client called itself: already checked by grammar.
  std::string peer_address;
  std::string protocol;  ///< RFC 3848: ESMTP, ESMTPS, ESMTPA, ESMTPSA, SMTP, LMTP, UTF8SMTP…
  std::string queue_id;
  std::string tls;  ///< "TLSv1.3 with cipher …" or empty.
  WallTime now;
};

/// Our Received field with its CRLF, folded under 78 columns where possible (RFC 5321 4.4).
/// Anything a client chose is encoded by an allow-list, so nothing can be injected.
[[nodiscard]] std::string received_field(const TraceFacts& facts);

/// Own mail: adds missing Date and Message-ID, removes Bcc and Return-Path, changes nothing else.
void complete_own_mail(MessageHeader& header, const Domain& author_domain,
                       std::string_view queue_id, WallTime now);

/// Encoded words (RFC 2047) for raw 8-bit text in unstructured fields, phrases and comments:
/// charset UTF-8 where it is that, else unknown-8bit (RFC 1428). Raw 8-bit inside an address, a
/// parameter or another structured value stays and is refused later. Returns the names of the
/// fields it changed.
[[nodiscard]] std::vector<std::string> encode_eight_bit_header(MessageHeader& header);

/// Re-encodes the leaf parts that hold lines over 998 octets: text as quoted-printable, other as
/// base64, with their Content-Transfer-Encoding field; multiparts are walked at most 20 deep. The
/// header changes only if the message is a leaf itself; it gets a missing MIME-Version.
/// `body` is CRLF text. Fault: line_over_998 where it can't (signed or encrypted parts, broken
/// MIME, message/rfc822).
[[nodiscard]] Result<std::string> reencode_long_lines(MessageHeader& header,
                                                      const std::string& body);

/// "TLS-Required: No" stands in the header, once (RFC 8689 3).
[[nodiscard]] bool says_tls_is_optional(const MessageHeader& header);

/// Number of Received fields.
[[nodiscard]] std::size_t hops(const MessageHeader& header);
/// Of them, those written by `hostname`: more than a few mean that mail comes back to us.
[[nodiscard]] std::size_t hops_through(const MessageHeader& header, std::string_view hostname);

/// RFC 5322 3.3 date-time in UTC: "Mon, 23 Nov 2026 17:00:00 +0000".
[[nodiscard]] std::string format_date(WallTime time);

}  // namespace signet::parse
