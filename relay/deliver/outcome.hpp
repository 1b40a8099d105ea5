// What a reply or a fault means for a recipient (RFC 5321 4.2.1).
#pragma once

#include <string_view>

#include "relay/deliver/client.hpp"

namespace signet::deliver {

/// By the first digit: 2yz delivered, 5yz failed, anything else deferred.
[[nodiscard]] RecipientOutcome outcome_of(const smtp::Reply& reply);
/// Deferred or failed, as the fault is transient or not, in our words: "451 4.4.2 Timed out
/// (MAIL)".
[[nodiscard]] RecipientOutcome outcome_of(Fault fault, std::string_view where);

}  // namespace signet::deliver
