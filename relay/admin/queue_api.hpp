// /v1/queue: messages that wait, and what can be done to them.
#pragma once

#include "relay/admin/queue_control.hpp"
#include "relay/admin/queue_filter.hpp"
#include "relay/admin/route_table.hpp"
#include "relay/base/clock.hpp"
#include "relay/base/executor.hpp"
#include "relay/spool/spool.hpp"

namespace signet::admin {

class QueueApi {
 public:
  /// Reads of the spool run on `pool`. All outlive the API and its last call.
  QueueApi(const spool::Spool& spool, Executor& pool, QueueControl& control, const Clock& clock)
      : spool_(spool), pool_(pool), control_(control), clock_(clock) {}

  void add_routes(RouteTable& table);

 private:
  using Order = void (QueueControl::*)(QueueOrder, QueueControl::Done);
  void list(Call call);
  void show(Call call);
  void act(Call call, std::string_view name, Order order);
  /// Looks at a bounded number of messages; blocks.
  void answer_list(Call call, const QueueFilter& filter, QueueId after, std::size_t limit);

  const spool::Spool& spool_;
  Executor& pool_;
  QueueControl& control_;
  const Clock& clock_;
};

}  // namespace signet::admin
