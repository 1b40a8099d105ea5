// Listening sockets for the HTTP server: TCP, or a Unix socket with a mode and no stale leftovers.
#pragma once

#include <filesystem>

#include "relay/base/ip_address.hpp"
#include "relay/base/result.hpp"
#include "relay/net/descriptor.hpp"

namespace signet::net {

/// Non-blocking, close-on-exec, listening. Fault: configuration.
[[nodiscard]] Result<Descriptor> listen_tcp(const Endpoint& endpoint);

/// Mode 0660 from the first moment on. A socket file that nobody serves is replaced. Fault:
/// configuration (somebody serves it, the path is too long, …).
[[nodiscard]] Result<Descriptor> listen_unix(const std::filesystem::path& path);

}  // namespace signet::net
