// What an operator can have done to a message in the queue. The pipeline does it.
#pragma once

#include <functional>
#include <string>

#include "relay/admin/queue_filter.hpp"
#include "relay/base/queue_id.hpp"
#include "relay/base/result.hpp"

namespace signet::admin {

/// Another way for recipients that wait. At least one of `to` and `pool` is given.
struct Reroute {
  std::string to;    ///< A route, a next hop ("smtp://host:port") or a host; empty: as it is.
  std::string pool;  ///< The egress pool; empty: that of the route or client, or as it is.
};

struct QueueOrder {
  QueueId id;
  std::string reason;  ///< For hold and bounce; may be empty.
  std::string by;      ///< For the log: "uid 1000".
  Reroute reroute = {};
  QueueFilter only = {};  ///< For bounce and reroute: which recipients, by what it says of them.
};

/// Called on the admin loop. `done` may be called on any thread, once. Faults: not_found; any other
/// says why it can't be done now (its public text is shown to the operator).
class QueueControl {
 public:
  using Done = std::move_only_function<void(Result<void>)>;
  virtual ~QueueControl() = default;
  // Fault of all: message_state_wrong, where the order means nothing: held mail is not retried.
  virtual void retry(QueueOrder order, Done done) = 0;  ///< Due now.
  virtual void hold(QueueOrder order, Done done) = 0;   ///< Until released or expired.
  /// Held mail only. Fault: not_aligned, where it would be held or refused again.
  virtual void release(QueueOrder order, Done done) = 0;
  /// With a DSN, as if it had failed; others of the message wait on. Stored when it is done.
  virtual void bounce(QueueOrder order, Done done) = 0;
  /// Due now on the other way, over restarts too; held mail stays on hold. Faults: bad_parameter
  /// (no such way); not_aligned, where it would be held or refused by that way.
  virtual void reroute(QueueOrder order, Done done) = 0;
  /// On its way now, or about to be: orders to it are refused for the moment. Any thread.
  [[nodiscard]] virtual bool is_in_delivery(QueueId id) const = 0;
};

}  // namespace signet::admin
