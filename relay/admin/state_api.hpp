// /v1/egress, /v1/destinations, /v1/config and /v1/metrics.
#pragma once

#include "relay/admin/relay_state.hpp"
#include "relay/admin/route_table.hpp"
#include "relay/base/executor.hpp"

namespace signet::admin {

class StateApi {
 public:
  /// All outlive the API and its last call.
  StateApi(const RelayState& state, Executor& pool) : state_(state), pool_(pool) {}

  void add_routes(RouteTable& table);

 private:
  void list_destinations(Call call);

  const RelayState& state_;
  Executor& pool_;
};

}  // namespace signet::admin
