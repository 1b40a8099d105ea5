// The header with which a load balancer tells whose connection it passes on: the PROXY protocol,
// versions 1 and 2 (HAProxy, doc/proxy-protocol.txt).
//
// Pure. Only for peers an operator has listed: everybody else could claim to be anybody.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "relay/base/ip_address.hpp"
#include "relay/base/result.hpp"

namespace signet::accept {

struct ProxyHeader {
  /// Octets that belong to the header still, at the least; 0: it is whole.
  std::size_t wants = 0;
  /// Of a whole header; none: the connection is the load balancer's own (LOCAL, UNKNOWN, or a
  /// client without an IP address).
  std::optional<Endpoint> client = {};
};

/// A header is never longer; version 1 is at most 107 octets.
constexpr std::size_t kMaxProxyHeader = 16 + 2048;

/// `so_far`: all octets read so far, none beyond the header. Any cut gives the same result. Fault:
/// proxy_header_wrong, as soon as it can be known.
[[nodiscard]] Result<ProxyHeader> read_proxy_header(std::string_view so_far);

}  // namespace signet::accept
