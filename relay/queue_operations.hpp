// QueueOperations: what an operator orders for a message, done by the running relay.
//
// A message in delivery is left alone: the order is refused for now, so no two hands hold one
// message.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "relay/admin/queue_control.hpp"
#include "relay/pipeline.hpp"
#include "relay/queue_scanner.hpp"

namespace signet {

class QueueOperations final : public admin::QueueControl {
 public:
  /// Works on `loop`; all outlive it, and stop() is called on that loop's thread before it ends.
  QueueOperations(Services& services, net::Loop& loop, QueueScanner& scanner,
                  std::vector<Pipeline*> pipelines)
      : services_(services), loop_(loop), scanner_(scanner), pipelines_(std::move(pipelines)) {}
  void stop() { scope_.clear(); }

  void retry(admin::QueueOrder order, Done done) override;
  void hold(admin::QueueOrder order, Done done) override;
  void release(admin::QueueOrder order, Done done) override;
  void bounce(admin::QueueOrder order, Done done) override;
  void reroute(admin::QueueOrder order, Done done) override;
  [[nodiscard]] bool is_in_delivery(QueueId id) const override {
    return services_.in_memory.contains(id);
  }

  /// Another way as it is stored: a diversion (relay/route/diversion.hpp) and a pool, either empty.
  struct Way {
    std::string diversion;
    std::string pool;
  };
  /// Fault: bad_parameter (the text says what is wrong).
  [[nodiscard]] static Result<Way> understand(const config::Settings& settings,
                                              const admin::Reroute& reroute);

 private:
  /// Changes a state, or says why not.
  using Change = std::function<Result<void>(const admin::QueueOrder& order,
                                            const spool::Record& record, spool::State& state)>;
  Pipeline& pipeline_of(QueueId id);
  void let_go(admin::QueueOrder order, Done done);
  void divert(admin::QueueOrder order, Outbound::StateChange take_way, Done done);
  void change(std::string_view event, admin::QueueOrder order, Change change, Done done);
  net::Task<void> run(std::string_view event, admin::QueueOrder order, Change change, Done done);
  void note(std::string_view event, const admin::QueueOrder& order);  // Any thread.
  net::Task<Result<void>> apply(const admin::QueueOrder& order, const Change& change);

  Services& services_;
  net::Loop& loop_;
  QueueScanner& scanner_;
  std::vector<Pipeline*> pipelines_;
  net::TaskScope scope_;
};

}  // namespace signet
