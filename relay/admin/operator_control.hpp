// What an operator can have done beyond a single message: suspend and resume, order many messages,
// drain for maintenance, reload.
#pragma once

#include <chrono>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "relay/admin/queue_control.hpp"
#include "relay/base/queue_id.hpp"
#include "relay/base/result.hpp"

namespace signet::admin {

struct SuspensionOrder {
  std::string kind;   ///< "destination", "domain", "client" or "egress".
  std::string value;  ///< A domain, a client's name, or an address.
  std::string reason;
  std::string by;                                  ///< For the log: "uid 1000".
  std::optional<std::chrono::seconds> lasts = {};  ///< Nothing: until it is resumed.
};

enum class ManyAction { retry, hold, release, bounce, reroute };

struct ManyOrder {
  ManyAction action = ManyAction::retry;
  QueueFilter filter;
  std::string reason;
  std::string by;
  bool dry_run = false;  ///< Only count.
  QueueId after = {};    ///< Begin after this message: "next" of the answer before.
  QueueId until = {};    ///< The last that is meant: "until" of it; none: the last there is.
  Reroute reroute = {};
};

/// Called on the admin loop. `done` may be called on any thread, once.
class OperatorControl {
 public:
  using Done = std::move_only_function<void(Result<nlohmann::json>)>;
  virtual ~OperatorControl() = default;
  /// Faults: bad_parameter, local_error (it could not be stored).
  virtual void suspend(SuspensionOrder order, Done done) = 0;
  /// What waited for it is due at once. Fault: not_found.
  virtual void resume(SuspensionOrder order, Done done) = 0;
  /// {"suspensions": […]}.
  virtual void suspensions(Done done) = 0;
  /// A part of the queue, in order of receipt: {"looked_at", "matched", "done", "refused", "next"},
  /// where "next" is null at the end of the queue. "refused" were in delivery, no longer in a
  /// state the action is for, or would be misaligned by it. Fault: bad_parameter.
  virtual void order_many(ManyOrder order, Done done) = 0;
  /// Accept no more (421), deliver what is there; false: accept again.
  virtual void drain(bool drains, std::string by, Done done) = 0;
  /// {"settings": {name: value}} of the configuration in force, as config::describe() has it.
  virtual void settings(Done done) = 0;
  /// {"draining", "connections", "messages", "held"}.
  virtual void maintenance(Done done) = 0;
  /// The mail of the last hour and of the configured domains, and what becomes of it (Rehearsal).
  /// Fault: destination_busy, while another asks.
  virtual void recent_mail(Done done) = 0;
  /// Reads the configuration again: {"generation", "restart_needed"}. Fault: configuration (the old
  /// one stays; the text says why).
  virtual void reload(std::string by, Done done) = 0;
};

}  // namespace signet::admin
