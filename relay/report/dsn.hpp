// Delivery status notifications (RFC 3464, 6522, 3834, 6533): built here, sent like any other mail.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "relay/base/clock.hpp"
#include "relay/base/envelope.hpp"
#include "relay/base/queue_id.hpp"

namespace signet::report {

enum class DsnKind { failure, delay, success };

struct DsnRecipient {
  Recipient recipient;
  std::string reply;        ///< "550 5.1.1 …" or our own words.
  std::string enhanced;     ///< Status: "5.1.1"; derived from the reply when empty.
  std::string remote_host;  ///< Empty: our own decision.
  bool relayed = false;     ///< Success: handed to a host that makes no reports (RFC 3461 5.2.2).
};

struct DsnRequest {
  DsnKind kind = DsnKind::failure;
  QueueId original;
  Mailbox from;  ///< [dsn] from
  Mailbox to;    ///< The original's reverse path.
  std::string hostname;
  std::string envelope_id;  ///< xtext as received
  WallTime received;
  WallTime now;
  WallTime will_retry_until;    ///< Delay DSNs.
  std::string original_header;  ///< Its header block; capped to 32 KiB in the report (RFC 6522
                                ///< text/rfc822-headers) unless its body is returned too.
  std::vector<DsnRecipient> recipients;
  bool utf8 = false;  ///< It came as SMTPUTF8: the forms of RFC 6533 where it takes them.
  /// Returned with the whole header (RET=FULL); null: headers only.
  std::shared_ptr<const std::string> original_body = {};
};

struct DsnMessage {
  std::string header;        ///< Fields with CRLF, no empty line.
  std::string body;          ///< multipart/report, CRLF.
  bool eight_bit = false;    ///< The body is not 7-bit.
  bool utf8 = false;         ///< Needs SMTPUTF8: for an address in its header.
  bool require_tls = false;  ///< The caller's affair (RFC 8689 5).
};

/// Never asked for a null reverse path (RFC 3464 2). NOTIFY is the caller's affair.
[[nodiscard]] DsnMessage build_dsn(const DsnRequest& request);

}  // namespace signet::report
