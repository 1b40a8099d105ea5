// OperatorActions: what an operator orders for more than one message, done by the running relay.
#pragma once

#include "relay/admin/operator_control.hpp"
#include "relay/front_door.hpp"
#include "relay/queue_operations.hpp"
#include "relay/rehearsal.hpp"
#include "relay/suspensions.hpp"

namespace signet {

class OperatorActions final : public admin::OperatorControl {
 public:
  using Reloaded = std::move_only_function<void(const Result<void>&)>;
  using Reload = std::function<void(Reloaded)>;  ///< Called on any thread.

  /// Works on `loop`; all outlive it, and stop() is called on that loop's thread before it ends.
  OperatorActions(Services& services, net::Loop& loop, QueueOperations& operations, FrontDoor& door,
                  Rehearsal& rehearsal, Reload reload)
      : services_(services),
        loop_(loop),
        operations_(operations),
        door_(door),
        rehearsal_(rehearsal),
        reload_(std::move(reload)) {}
  void stop() { scope_.clear(); }

  void suspend(admin::SuspensionOrder order, Done done) override;
  void resume(admin::SuspensionOrder order, Done done) override;
  void suspensions(Done done) override;
  void order_many(admin::ManyOrder order, Done done) override;
  void drain(bool drains, std::string by, Done done) override;
  void settings(Done done) override;
  void maintenance(Done done) override;
  void recent_mail(Done done) override;
  void reload(std::string by, Done done) override;

 private:
  using Matches = std::function<bool(const spool::Message&)>;
  struct Outcome {
    std::size_t done = 0;
    std::size_t unchanged = 0;
    std::size_t refused = 0;
  };
  struct Part {
    std::uint64_t looked_at = 0;
    std::uint64_t matched = 0;
    std::uint64_t done = 0;
    std::uint64_t unchanged = 0;  ///< The order means nothing to them: held already.
    std::uint64_t refused = 0;    ///< For now.
    std::optional<QueueId> next;
  };

  net::Task<void> run_suspend(Suspension suspension, Done done);
  net::Task<void> run_resume(Suspension suspension, std::string by, Done done);
  net::Task<void> run_order(admin::ManyOrder order, Done done);
  net::Task<void> run_recent_mail(Done done);
  /// What waits because of a suspension is due now.
  net::Task<void> wake();
  net::Task<Result<Part>> walk(admin::ManyOrder order, Matches matches);
  /// How many were done.
  net::Task<Outcome> order_all(admin::ManyAction action, std::vector<admin::QueueOrder> orders);
  void give(admin::ManyAction action, admin::QueueOrder order, admin::QueueControl::Done done);
  void note(std::string_view order, const Suspension& suspension, const std::string& by);

  Services& services_;
  net::Loop& loop_;
  QueueOperations& operations_;
  FrontDoor& door_;
  Rehearsal& rehearsal_;
  Reload reload_;
  bool rehearsing_ = false;
  net::TaskScope scope_;
};

}  // namespace signet
