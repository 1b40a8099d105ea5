// A next hop as it is written.
//
//   next-hop = ("smtp://" | "smtps://") host [":" port]
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "relay/base/result.hpp"

namespace signet::config {

struct NextHop {
  std::string host;  ///< A name, or an address without brackets.
  std::uint16_t port = 25;
  bool implicit_tls = false;
};

/// The default port is 25, or 465 with smtps:. Fault: bad_parameter.
[[nodiscard]] Result<NextHop> parse_next_hop(std::string_view text);

}  // namespace signet::config
