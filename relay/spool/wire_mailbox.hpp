// A mailbox between its value and its record.proto form; shared by the two kinds of rows.
#pragma once

#include "relay/base/envelope.hpp"
#include "relay/base/result.hpp"
#include "relay/spool/record.pb.h"

namespace signet::spool {

void to_wire(const Mailbox& mailbox, record::Mailbox& wire);
/// Fault: spool_failed (not a domain).
[[nodiscard]] Result<Mailbox> from_wire(const record::Mailbox& wire);

}  // namespace signet::spool
