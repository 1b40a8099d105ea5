// The SMTP envelope: who sends, who receives, and what the client declared (RFC 5321 2.3.1).
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/base/domain.hpp"

namespace signet {

/// local-part@domain. The local part is kept as received, quoted form included (RFC 5321 4.1.2).
struct Mailbox {
  std::string local;
  Domain domain;

  [[nodiscard]] std::string to_string() const { return local + "@" + domain.text(); }
  /// Only SMTPUTF8 can carry it (RFC 6531 3.3). The domain is always A-labels.
  [[nodiscard]] bool needs_utf8() const {
    return std::ranges::any_of(local, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  }
  friend auto operator<=>(const Mailbox&, const Mailbox&) = default;
};

/// Empty: the null reverse-path MAIL FROM:<>.
using ReversePath = std::optional<Mailbox>;

/// "<>" or "<local@domain>".
[[nodiscard]] inline std::string to_string(const ReversePath& path) {
  return path ? "<" + path->to_string() + ">" : "<>";
}

/// RFC 3461 parameters of a recipient, kept as the client wrote them (already checked).
struct DsnParameters {
  std::string notify;              ///< "NEVER", or of "SUCCESS,FAILURE,DELAY"; empty: not given.
  std::string original_recipient;  ///< ORCPT as received (RFC 3461, RFC 6533); empty: not given.
};

/// True if a recipient's NOTIFY names `condition` ("SUCCESS", "FAILURE" or "DELAY").
[[nodiscard]] inline bool asks_for(const DsnParameters& dsn, std::string_view condition) {
  return dsn.notify.find(condition) != std::string::npos;
}

struct Recipient {
  Mailbox address;
  DsnParameters dsn;
};

struct Envelope {
  ReversePath sender;
  std::vector<Recipient> recipients;
  bool eight_bit = false;    ///< BODY=8BITMIME was declared (RFC 6152).
  bool utf8 = false;         ///< SMTPUTF8 was declared (RFC 6531).
  std::string dsn_return;    ///< RET: "FULL", "HDRS" or empty (RFC 3461).
  std::string envelope_id;   ///< ENVID, xtext as received; empty: not given.
  bool require_tls = false;  ///< REQUIRETLS was declared (RFC 8689 2).
};

}  // namespace signet
