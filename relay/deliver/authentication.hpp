// AUTH towards a next hop (RFC 4954): PLAIN (RFC 4616), else LOGIN; under TLS or to loopback only.
#pragma once

#include "relay/deliver/client.hpp"
#include "relay/deliver/dialogue.hpp"

namespace signet::deliver {

/// All parameters must live until done. A refusal of our credentials is a matter of our
/// configuration and must not fail mail for good: fault peer_lacks_auth, the reply in the detail.
[[nodiscard]] net::Task<Result<void>> authenticate(Dialogue& dialogue,
                                                   const ConnectOptions& options,
                                                   const smtp::Capabilities& capabilities);

}  // namespace signet::deliver
