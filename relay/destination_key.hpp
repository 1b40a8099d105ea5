// What leases and back-off know a destination by.
#pragma once

#include <string>
#include <string_view>

#include "config/settings.hpp"

namespace signet {

/// `tls`: what a message asks of TLS beyond the route's policy, which makes it a destination of its
/// own.
[[nodiscard]] inline std::string destination_key(const config::RouteSettings& route,
                                                 std::string_view pool, const Domain& domain,
                                                 std::string_view tls = {}) {
  std::string key = route.name + '|';
  key.append(pool).append(tls);
  if (route.kind == config::RouteKind::mx) key += '|' + domain.text();
  return key;
}

}  // namespace signet
