// What becomes of a message after its attempts: done, retry, or a report to its sender.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "relay/deliver/refusal.hpp"
#include "relay/pipeline.hpp"
#include "relay/smtp/command.hpp"

namespace signet {
namespace {

using deliver::RecipientResult;
using spool::RecipientStatus;

constexpr std::chrono::minutes kLeastPause{1};
constexpr std::chrono::seconds kWriteAgain{10};

bool owes_reports(const spool::State& state) {
  return std::ranges::any_of(state.recipients, [](const spool::RecipientState& recipient) {
    return recipient.report_due != spool::ReportDue::none;
  });
}

// After the final dot: the peer may have taken the message or not.
bool is_unknown(const deliver::RecipientOutcome& outcome) {
  return outcome.result == RecipientResult::deferred &&
         (outcome.fault == Fault::closed || outcome.fault == Fault::timed_out ||
          outcome.fault == Fault::peer_protocol);
}

monitoring::AttemptResult to_metric(RecipientResult result) {
  switch (result) {
    case RecipientResult::delivered:
      return monitoring::AttemptResult::delivered;
    case RecipientResult::deferred:
      return monitoring::AttemptResult::deferred;
    case RecipientResult::failed:
      break;
  }
  return monitoring::AttemptResult::failed;
}

std::string_view event_of(RecipientResult result) {
  return result == RecipientResult::delivered ? "delivered" : "deferred";
}

/// What an operator hears of an order that the spool can't take now: it is tried again until it
/// does.
Result<void> or_later(const Result<void>& stored) {
  if (stored) return {};
  return fail(stored.error().fault, stored.error().detail,
              "It can't be stored now: it is done as soon as the spool can be written");
}

std::string_view reply_class(const std::string& reply) {
  if (reply.starts_with('2')) return "2yz";
  if (reply.starts_with('4')) return "4yz";
  return reply.starts_with('5') ? "5yz" : "none";
}

}  // namespace

void Outbound::finish(Job job, const std::vector<deliver::RecipientOutcome>& outcomes,
                      const Link* link) {
  Delivery& delivery = *job.delivery;
  if (link && link->reached_dot && std::ranges::any_of(outcomes, is_unknown)) {
    ++delivery.state.maybe_duplicates;
    services_.metrics.maybe_duplicate();
  }
  for (std::size_t i = 0; i < job.recipients.size(); ++i)
    note(delivery, job.recipients[i], outcomes[i], link);
  if (link && services_.canaries.any()) count_trial(delivery, outcomes);
  if (--delivery.open_jobs > 0) return write_progress(delivery);
  scope_.spawn(settle(std::move(job.delivery)));
}

// Once for a transaction; a host that defers a message again says nothing new.
void Outbound::count_trial(const Delivery& delivery,
                           const std::vector<deliver::RecipientOutcome>& outcomes) {
  const bool delivered = std::ranges::any_of(
      outcomes, [](const auto& outcome) { return outcome.result == RecipientResult::delivered; });
  const bool refused = std::ranges::any_of(outcomes, [&](const auto& outcome) {
    const bool is_news = outcome.result == RecipientResult::failed || delivery.state.attempts == 0;
    return is_news && deliver::blames_dkim(outcome);
  });
  if (delivered || refused) services_.canaries.count(delivery.signed_by(), !delivered);
}

void Outbound::note(Delivery& delivery, std::uint32_t index,
                    const deliver::RecipientOutcome& outcome, const Link* link) {
  spool::RecipientState& recipient = delivery.state.recipients[index];
  ++recipient.attempts;
  delivery.attempted = true;
  recipient.last_reply = outcome.reply;
  if (link) delivery.remote_hosts[index] = link->host;
  if (outcome.result == RecipientResult::delivered) {
    recipient.status = RecipientStatus::delivered;
    recipient.report_due = report_due(delivery, recipient.recipient, link);
  }
  if (outcome.result == RecipientResult::failed) recipient.status = RecipientStatus::bounced;
  if (outcome.result == RecipientResult::deferred) delivery.tried_again = true;
  const bool tls = link && link->connection && link->connection->tls();
  services_.metrics.attempt(recipient.route, recipient.pool, to_metric(outcome.result),
                            reply_class(outcome.reply), tls);
  services_.metrics.provider_attempt(recipient.route, deliver::provider_of(link ? link->host : ""),
                                     to_metric(outcome.result), deliver::refusal_cause(outcome));
  if (outcome.result == RecipientResult::delivered)
    services_.metrics.recipient_done(recipient.route, monitoring::AttemptResult::delivered);
  const std::string_view spf = spf_of(delivery, link);
  const std::string sent_from =
      link && link->chosen ? link->chosen->public_address.to_string() : std::string();
  if (link && link->chosen) services_.metrics.egress_used(sent_from, spf);
  const auto told_as = [&](std::string_view event) {
    return report::Fact(event, services_.clock.now())
        .with("id", delivery.record().id)
        .with("recipient", recipient.recipient.address.to_string())
        .with("route", recipient.route)
        .with("pool", recipient.pool)
        .with("attempt", static_cast<std::int64_t>(recipient.attempts))
        .with("maybe_duplicates", static_cast<std::int64_t>(delivery.state.maybe_duplicates))
        .with("host", link ? std::string_view(link->host) : std::string_view{})
        .with("egress", link ? std::string_view(link->egress) : std::string_view{})
        .with("public", sent_from)
        .with("spf", sent_from.empty() ? std::string_view{} : spf)
        .with("tls", tls ? std::string_view(link->connection->tls()->version) : std::string_view{})
        .with("reply", outcome.reply);
  };
  if (outcome.result == RecipientResult::failed) {
    delivery.failed.push_back({index, told_as("bounced"), told_as("deferred")});
  } else {
    services_.log.write(told_as(event_of(outcome.result)));
  }
}

net::Task<void> Outbound::settle(std::shared_ptr<Delivery> delivery) {
  spool::State& state = delivery->state;
  const spool::Record& record = delivery->record();
  const WallTime now = services_.clock.now();
  if (any_open(state) && now >= record.expires) {
    for (std::uint32_t i = 0; i < state.recipients.size(); ++i) {
      if (!is_open(state.recipients[i])) continue;
      const std::string reason =
          state.is_held() ? "held: " + state.hold_reason : state.recipients[i].last_reply;
      const std::string reply =
          "554 5.4.7 Message expired in the queue" + (reason.empty() ? "" : "; last: " + reason);
      --state.recipients[i].attempts;  // note() counts an attempt; this was none.
      note(*delivery, i, {RecipientResult::failed, reply, Fault::expired}, nullptr);
    }
  }
  if (!delivery->failed.empty() || owes_reports(state)) write_progress(*delivery);
  if (!delivery->failed.empty()) {
    const auto reported = co_await report_failures(delivery);
    tell_failures(*delivery, reported);
  }
  if (owes_reports(state)) co_await report_successes(delivery);
  if (any_open(state) && delivery->attempted) co_await report_delay(delivery);
  if (any_open(state) && (delivery->tried_again || !delivery->parked_until)) ++state.attempts;
  forget(*delivery);
  write_state(std::move(delivery));
}

void Outbound::give_up(QueueId id, std::string reply, IsMeant is_meant,
                       std::move_only_function<void(Result<void>)> done) {
  scope_.spawn(run_give_up(id, std::move(reply), std::move(is_meant), std::move(done)));
}

net::Task<void> Outbound::run_give_up(QueueId id, std::string reply, IsMeant is_meant,
                                      std::move_only_function<void(Result<void>)> done) {
  auto message = co_await net::run_on(services_.pool, loop_,
                                      [&spool = services_.spool, id] { return spool.load(id); });
  if (!message || std::ranges::none_of(message->state.recipients, is_meant)) {
    services_.in_memory.erase(id);
    done(message ? none_waits() : message.failure());
    co_return;
  }
  auto delivery = std::make_shared<Delivery>();
  delivery->stored = std::make_shared<const spool::Message>(std::move(*message));
  delivery->state = delivery->stored->state;
  delivery->snapshot = services_.current.get();
  admit(*delivery);  // settle() forgets it.
  for (std::uint32_t i = 0; i < delivery->state.recipients.size(); ++i) {
    const spool::RecipientState& recipient = delivery->state.recipients[i];
    if (is_open(recipient) && is_meant(recipient))
      note(*delivery, i, {RecipientResult::failed, reply, Fault::bounced_by_operator}, nullptr);
  }
  delivery->attempted = false;  // The others wait on as if nothing had been.
  delivery->parked_until = delivery->state.due;
  delivery->on_stored = std::move(done);
  co_await settle(std::move(delivery));
}

void Outbound::write_state(std::shared_ptr<Delivery> delivery) {
  const spool::Record& record = delivery->record();
  const QueueId id = record.id;
  spool::State& state = delivery->state;
  const WallTime previous_due = delivery->stored->state.due;
  if (!any_open(state) && !owes_reports(state)) {
    services_.spool.remove(id, previous_due, record.body_chunks, loop_,
                           [this, delivery](Result<void> removed) {
                             if (removed) is_stored(*delivery->stored, {});
                             tell_stored(*delivery, or_later(removed));
                             if (!removed && !draining_) scope_.spawn(remove_again(delivery));
                           });
    return;
  }
  state.due =
      schedule::next_attempt(delivery->snapshot->settings->queue, state.attempts, record.received,
                             services_.clock.now(), record.expires, random());
  if (delivery->parked_until) {
    const WallTime parked_until = std::min(*delivery->parked_until, record.expires);
    state.due = delivery->tried_again ? std::min(state.due, parked_until) : parked_until;
  }
  state.due = std::max<WallTime>(state.due, services_.clock.now() + kLeastPause);
  services_.spool.update(id, state, previous_due, spool::Attempts::over, loop_,
                         [this, delivery](Result<void> updated) {
                           if (updated) is_stored(*delivery->stored, delivery->state.hold_reason);
                           tell_stored(*delivery, or_later(updated));
                           if (!updated && !draining_) scope_.spawn(update_again(delivery));
                         });
}

void Outbound::is_stored(const spool::Message& before, const std::string& hold_reason) {
  services_.held_mail.changed(before.record, before.state.hold_reason, hold_reason);
  services_.in_memory.erase(before.record.id);
}

void Outbound::tell_stored(Delivery& delivery, Result<void> stored) {
  if (delivery.on_stored) std::exchange(delivery.on_stored, nullptr)(std::move(stored));
}

// Until it is stored it counts as in memory: who has the message must not get it again.
net::Task<void> Outbound::update_again(std::shared_ptr<Delivery> delivery) {
  const auto before = delivery->stored;
  const QueueId id = before->record.id;
  const spool::State state = std::move(delivery->state);
  delivery.reset();
  for (;;) {
    spdlog::error("the new state of {} is not stored", id.to_string());
    co_await loop_.sleep(kWriteAgain);
    auto updated = co_await net::completion<Result<void>>(loop_, [&](auto done) {
      services_.spool.update(id, state, before->state.due, spool::Attempts::over, loop_,
                             std::move(done));
    });
    if (updated) break;
  }
  is_stored(*before, state.hold_reason);
}

// Until it is gone it counts as in memory: what is done must not go out again.
net::Task<void> Outbound::remove_again(std::shared_ptr<Delivery> delivery) {
  const auto before = delivery->stored;
  const QueueId id = before->record.id;
  delivery.reset();
  for (;;) {
    spdlog::error("{} is done but stays in the spool", id.to_string());
    co_await loop_.sleep(kWriteAgain);
    auto removed = co_await net::completion<Result<void>>(loop_, [&](auto done) {
      services_.spool.remove(id, before->state.due, before->record.body_chunks, loop_,
                             std::move(done));
    });
    if (removed) break;
  }
  is_stored(*before, {});
}

// The message is not settled yet, but what was delivered must not be delivered again after a crash.
// Who failed stays queued until the report is stored: else a crash would take the report with it.
void Outbound::write_progress(const Delivery& delivery) {
  const QueueId id = delivery.record().id;
  spool::State state = delivery.state;
  for (const FailedRecipient& each : delivery.failed)
    state.recipients[each.index].status = RecipientStatus::queued;
  const auto attempts = delivery.open_jobs > 0 ? spool::Attempts::under_way : spool::Attempts::over;
  services_.spool.update(id, std::move(state), delivery.stored->state.due, attempts, loop_,
                         [id](Result<void> updated) {
                           if (!updated)
                             spdlog::error("progress of {} not stored: {}", id.to_string(),
                                           updated.error().detail);
                         });
}

// Without its report nobody would hear of a failure: the recipient waits on and is tried again.
void Outbound::tell_failures(Delivery& delivery, const Result<void>& reported) {
  const auto waiting = delivery.state.is_held() ? RecipientStatus::held : RecipientStatus::queued;
  for (FailedRecipient& each : delivery.failed) {
    spool::RecipientState& recipient = delivery.state.recipients[each.index];
    if (reported) {
      services_.metrics.recipient_done(recipient.route, monitoring::AttemptResult::failed);
    } else {
      recipient.status = waiting;
      delivery.tried_again = true;
    }
    services_.log.write(reported ? std::move(each.bounced) : std::move(each.deferred));
  }
  if (!reported)
    tell_stored(delivery, fail(reported.error().fault, reported.error().detail,
                               "The report to the sender can't be stored: the message waits on"));
}

}  // namespace signet
