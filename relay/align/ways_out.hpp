// Which addresses a message may leave from, as receivers will see them: static, from the settings.
//
// A Maildir counts for nothing. The next hop of a host route is not ours: it sends from its
// `spf_addresses`, and without them nobody knows from where.
#pragma once

#include <vector>

#include "config/settings.hpp"
#include "relay/align/predictor.hpp"

namespace signet::align {

struct WaysOut {
  bool leads_outside = false;  ///< Some recipient's route does.
  std::vector<EgressPoint> points;
  bool some_address_unknown = false;
};

/// Adds the ways of one recipient. `pool`: the route's or client's; null: the system chooses. With
/// `null_sender` the identity is the HELO name, and that of a next hop not ours is unknown.
void add_ways(const config::RouteSettings& route, const config::PoolSettings* pool,
              bool null_sender, WaysOut& ways);

}  // namespace signet::align
