// Whose mail host it is, and why it said no: words of fixed sets for metrics, never a peer's own.
//
// Codes by RFC 3463 and RFC 7372; beside them what large providers are known to send. Decides
// nothing.
#pragma once

#include <string_view>

#include "relay/deliver/client.hpp"

namespace signet::deliver {

/// Who runs a mail host, by the end of its name: google, microsoft, yahoo, apple, gmx, mimecast,
/// proofpoint, else "other". `host` may go on after a blank: "mx.example.com [192.0.2.1]".
[[nodiscard]] std::string_view provider_of(std::string_view host);

/// Why a recipient was not taken. Of a peer's reply "550 5.7.26 …": authentication (RFC 7372, and
/// what providers use for it), else policy, address, mailbox, system, network, protocol or content
/// by the subject of the enhanced code (RFC 3463 3), "reply" without one. Where no peer said it,
/// the name of the fault. "none" for a recipient that was taken.
[[nodiscard]] std::string_view refusal_cause(const RecipientOutcome& outcome);

/// True if a peer did not take a recipient and says that a DKIM signature was why: X.7.20 to X.7.22
/// (RFC 7372 3.1), X.7.30 (what Google says of them), or a text that names DKIM.
[[nodiscard]] bool blames_dkim(const RecipientOutcome& outcome);

}  // namespace signet::deliver
