#include "relay/spool/wire_mailbox.hpp"

namespace signet::spool {

void to_wire(const Mailbox& mailbox, record::Mailbox& wire) {
  wire.set_local(mailbox.local);
  wire.set_domain(mailbox.domain.text());
}

Result<Mailbox> from_wire(const record::Mailbox& wire) {
  Result<Domain> domain = Domain::parse(wire.domain());
  if (!domain) return fail(Fault::spool_failed, "damaged address: " + domain.error().detail);
  return Mailbox{wire.local(), std::move(*domain)};
}

}  // namespace signet::spool
