// TLS for both ends of a test connection, with a certificate made for this run.
#pragma once

#include <memory>

#include "relay/net/tls.hpp"

namespace signet::accept::test {

[[nodiscard]] std::shared_ptr<const net::ServerTls> server_tls();
[[nodiscard]] std::shared_ptr<const net::ClientTls> client_tls();

}  // namespace signet::accept::test
