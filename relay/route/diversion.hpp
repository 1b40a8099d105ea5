// A diversion: where an operator sends a waiting recipient in place of the route table.
//
//   diversion = "route " name | next-hop        ; next-hop of config/next_hop.hpp
//
// It is kept with the message and understood anew at each attempt: a route means what the
// configuration then says of it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "config/settings.hpp"
#include "relay/base/result.hpp"
#include "relay/route/router.hpp"

namespace signet::route {

/// From what an operator writes: the name of a route, a next hop, or a host with or without a port.
/// Fault: bad_parameter (the text lists the routes).
[[nodiscard]] Result<std::string> parse_diversion(const config::Settings& settings,
                                                  std::string_view written);

/// The route of a waiting recipient and why. A next hop that no route names has a route made for
/// it, without password, whose SPF nobody knows.
struct WaitingRoute {
  /// Null: none, or the one it was diverted to is gone. Shares the settings' life, or is its own.
  std::shared_ptr<const config::RouteSettings> route;
  RoutedBy by = RoutedBy::nothing;
  bool is_made = false;  ///< In no configuration.
};
/// By the table where `diversion` is empty.
[[nodiscard]] WaitingRoute route_of(std::shared_ptr<const config::Settings> settings,
                                    std::string_view diversion, const Domain& recipient_domain);

}  // namespace signet::route
