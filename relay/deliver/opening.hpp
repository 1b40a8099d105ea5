// From a connected socket to a connection that takes mail: greeting, EHLO, STARTTLS, AUTH.
//
// RFC 5321 3.1 and 3.2, RFC 3207, RFC 4954. One try on one connection; falling back to another
// connection is the caller's affair.
#pragma once

#include <memory>

#include "relay/deliver/client.hpp"
#include "relay/deliver/dialogue.hpp"

namespace signet::deliver {

struct Opened {
  std::unique_ptr<Dialogue> dialogue;
  smtp::Capabilities capabilities;  ///< Of the last EHLO; none after HELO.
};

/// `options` must live until done. With `try_tls` off STARTTLS is not asked for. Fault tls_failed:
/// the policy's TLS could not be had, or the handshake failed; others as Connection::open.
[[nodiscard]] net::Task<Result<Opened>> open_dialogue(net::Loop& loop,
                                                      const ConnectOptions& options, bool try_tls);

/// What a refusal at `step` amounts to: peer_temporary, peer_permanent or peer_protocol.
[[nodiscard]] Failure refused(std::string_view step, const smtp::Reply& reply);

}  // namespace signet::deliver
