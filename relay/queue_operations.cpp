#include "relay/queue_operations.hpp"

#include <algorithm>

#include "relay/route/diversion.hpp"

namespace signet {
namespace {

using spool::RecipientStatus;

void move_recipients(spool::State& state, RecipientStatus from, RecipientStatus to) {
  for (auto& recipient : state.recipients) {
    if (recipient.status == from) recipient.status = to;
  }
}

std::string words_of(const QueueOperations::Way& way) {
  std::string words = way.diversion;
  if (!way.pool.empty()) words.append(words.empty() ? "pool " : ", pool ").append(way.pool);
  return words;
}

/// The recipients that are meant go the other way.
void take_way(const std::shared_ptr<const config::Settings>& settings,
              const QueueOperations::Way& way, const admin::QueueFilter& only,
              const spool::Record& record, spool::State& state) {
  const auto* client = client_named(*settings, record.client);
  for (spool::RecipientState& recipient : state.recipients) {
    if (!only.covers(recipient)) continue;
    if (!way.diversion.empty()) recipient.rerouted_to = way.diversion;
    const auto waiting =
        route::route_of(settings, recipient.rerouted_to, recipient.recipient.address.domain);
    if (waiting.route) recipient.route = waiting.route->name;
    if (!way.pool.empty()) {
      recipient.pool = way.pool;
    } else if (waiting.route) {
      recipient.pool = route::choose_pool(*settings, *waiting.route, client);
    }
  }
}

Failure busy() {
  return fail(Fault::destination_busy, "in delivery",
              "The message is in delivery, or waits to be stored: try again in a moment");
}

}  // namespace

void QueueOperations::retry(admin::QueueOrder order, Done done) {
  change(
      "retry", std::move(order),
      [this](const auto&, const auto&, spool::State& state) -> Result<void> {
        if (state.is_held())
          return fail(Fault::message_state_wrong, "held",
                      "The message is on hold: release it instead");
        state.due = services_.clock.now();
        return {};
      },
      std::move(done));
}

void QueueOperations::hold(admin::QueueOrder order, Done done) {
  change(
      "hold", std::move(order),
      [this](const auto& given, const auto& record, spool::State& state) -> Result<void> {
        if (state.is_held())
          return fail(Fault::message_state_wrong, "held", "The message is on hold already");
        state.hold_reason = given.reason.empty() ? "operator" : "operator: " + given.reason;
        state.held_since = services_.clock.now();
        state.due = record.expires;
        move_recipients(state, RecipientStatus::queued, RecipientStatus::held);
        return {};
      },
      std::move(done));
}

// What is released goes through the stages again: aligned here, signed when it is claimed.
void QueueOperations::release(admin::QueueOrder order, Done done) {
  if (!services_.in_memory.insert(order.id)) return done(busy());
  Pipeline& pipeline = pipeline_of(order.id);
  pipeline.loop().post([this, &pipeline, order = std::move(order),
                        done = std::move(done)]() mutable {
    const QueueId id = order.id;
    pipeline.outbound().review(
        id, [this, order = std::move(order), done = std::move(done)](Result<void> aligned) mutable {
          services_.in_memory.erase(order.id);
          if (!aligned) return done(std::move(aligned));
          let_go(std::move(order), std::move(done));
        });
  });
}

void QueueOperations::let_go(admin::QueueOrder order, Done done) {
  change(
      "release", std::move(order),
      [this](const auto&, const auto&, spool::State& state) -> Result<void> {
        if (!state.is_held())
          return fail(Fault::message_state_wrong, "not held", "The message is not on hold");
        state.hold_reason.clear();
        state.due = services_.clock.now();
        move_recipients(state, RecipientStatus::held, RecipientStatus::queued);
        return {};
      },
      std::move(done));
}

void QueueOperations::bounce(admin::QueueOrder order, Done done) {
  if (!services_.in_memory.insert(order.id)) return done(busy());
  Pipeline& pipeline = pipeline_of(order.id);
  pipeline.loop().post([this, &pipeline, order = std::move(order),
                        done = std::move(done)]() mutable {
    const QueueId id = order.id;
    const std::string why = order.reason.empty() ? "" : ": " + order.reason;
    auto is_meant = [only = order.only](const spool::RecipientState& recipient) {
      return only.covers(recipient);
    };
    pipeline.outbound().give_up(
        id, "554 5.7.1 Message returned by the operator" + why, std::move(is_meant),
        [this, order = std::move(order), done = std::move(done)](Result<void> given_up) mutable {
          if (given_up) note("bounce", order);
          done(std::move(given_up));
        });
  });
}

Result<QueueOperations::Way> QueueOperations::understand(const config::Settings& settings,
                                                         const admin::Reroute& reroute) {
  Way way{.diversion = {}, .pool = reroute.pool};
  if (reroute.to.empty() && reroute.pool.empty())
    return fail(Fault::bad_parameter, "no way", "say where to: a route, a next hop or a pool");
  if (!reroute.pool.empty() && route::find_pool(settings, reroute.pool) == nullptr)
    return fail(Fault::bad_parameter, "no such pool", "there is no pool " + reroute.pool);
  if (reroute.to.empty()) return way;
  auto diversion = route::parse_diversion(settings, reroute.to);
  if (!diversion) return diversion.failure();
  way.diversion = std::move(*diversion);
  return way;
}

// Judged before it is stored: the other way may leave by addresses that SPF does not list.
void QueueOperations::reroute(admin::QueueOrder order, Done done) {
  const auto settings = services_.current.get()->settings;
  auto way = understand(*settings, order.reroute);
  if (!way) return done(way.failure());
  if (!services_.in_memory.insert(order.id)) return done(busy());
  order.reason = words_of(*way);
  Outbound::StateChange change = [settings, way = std::move(*way), only = order.only](
                                     const spool::Record& record, spool::State& state) {
    take_way(settings, way, only, record, state);
  };
  Pipeline& pipeline = pipeline_of(order.id);
  pipeline.loop().post([this, &pipeline, change = std::move(change), order = std::move(order),
                        done = std::move(done)]() mutable {
    const QueueId id = order.id;
    pipeline.outbound().review_changed(id, change,
                                       [this, change, order = std::move(order),
                                        done = std::move(done)](Result<void> aligned) mutable {
                                         services_.in_memory.erase(order.id);
                                         if (!aligned) return done(std::move(aligned));
                                         divert(std::move(order), std::move(change),
                                                std::move(done));
                                       });
  });
}

void QueueOperations::divert(admin::QueueOrder order, Outbound::StateChange take_way, Done done) {
  change(
      "reroute", std::move(order),
      [this, take_way = std::move(take_way)](const auto& given, const auto& record,
                                             spool::State& state) -> Result<void> {
        const auto is_meant = [&](const auto& each) { return given.only.covers(each); };
        if (std::ranges::none_of(state.recipients, is_meant)) return Outbound::none_waits();
        take_way(record, state);
        if (!state.is_held()) state.due = services_.clock.now();
        return {};
      },
      std::move(done));
}

Pipeline& QueueOperations::pipeline_of(QueueId id) {
  return *pipelines_[std::hash<QueueId>{}(id) % pipelines_.size()];
}

void QueueOperations::change(std::string_view event, admin::QueueOrder order, Change change,
                             Done done) {
  loop_.post([this, event, order = std::move(order), change = std::move(change),
              done = std::move(done)]() mutable {
    scope_.spawn(run(event, std::move(order), std::move(change), std::move(done)));
  });
}

net::Task<void> QueueOperations::run(std::string_view event, admin::QueueOrder order, Change change,
                                     Done done) {
  if (!services_.in_memory.insert(order.id)) {
    done(busy());
    co_return;
  }
  const WallTime before = services_.clock.now();  // The new due time is not earlier.
  auto applied = co_await apply(order, change);
  services_.in_memory.erase(order.id);
  if (applied) {
    scanner_.rewind(before);
    note(event, order);
  }
  done(std::move(applied));
}

void QueueOperations::note(std::string_view event, const admin::QueueOrder& order) {
  services_.log.write(report::Fact("order", services_.clock.now())
                          .with("id", order.id)
                          .with("order", event)
                          .with("by", order.by)
                          .with("reason", order.reason));
}

net::Task<Result<void>> QueueOperations::apply(const admin::QueueOrder& order,
                                               const Change& change) {
  auto message = co_await net::run_on(
      services_.pool, loop_, [&spool = services_.spool, id = order.id] { return spool.load(id); });
  if (!message) co_return message.failure();
  const WallTime previous_due = message->state.due;
  const std::string held_before = message->state.hold_reason;
  auto changed = change(order, message->record, message->state);
  if (!changed) co_return changed;
  const std::string held_after = message->state.hold_reason;
  auto updated = co_await net::completion<Result<void>>(loop_, [&](auto stored) {
    services_.spool.update(order.id, std::move(message->state), previous_due, spool::Attempts::over,
                           loop_, std::move(stored));
  });
  if (updated) services_.held_mail.changed(message->record, held_before, held_after);
  co_return updated;
}

}  // namespace signet
