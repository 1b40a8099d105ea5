// Listening on a Unix socket (unix(7)). For relay/net's listeners only.
#pragma once

#include <sys/socket.h>

#include <filesystem>

#include "relay/base/result.hpp"
#include "relay/net/descriptor.hpp"

namespace signet::net {

/// Binds, gives the file its mode, listens. A socket nobody listens on is replaced. Fault:
/// configuration, with a text that says what to do.
[[nodiscard]] Result<Descriptor> listen_on_unix(const std::filesystem::path& socket, unsigned mode);

/// The file of an AF_UNIX address; empty: it has none.
[[nodiscard]] std::filesystem::path path_of_unix(const sockaddr_storage& storage);

}  // namespace signet::net
