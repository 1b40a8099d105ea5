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

bool is_open(const spool::RecipientState& recipient) {
  return recipient.status == RecipientStatus::queued || recipient.status == RecipientStatus::held;
}

bool any_open(const spool::State& state) { return std::ranges::any_of(state.recipients, is_open); }

bool is_owed_report(const spool::RecipientState& recipient) {
  return recipient.report_due != spool::ReportDue::none;
}

bool owes_reports(const spool::State& state) {
  return std::ranges::any_of(state.recipients, is_owed_report);
}

// Without NOTIFY a failure is reported, and a delay may be (RFC 3461 4.1).
bool wants_report(const Recipient& recipient, report::DsnKind kind) {
  switch (kind) {
    case report::DsnKind::failure:
      return recipient.dsn.notify.empty() || asks_for(recipient.dsn, "FAILURE");
    case report::DsnKind::delay:
      return recipient.dsn.notify.empty() || asks_for(recipient.dsn, "DELAY");
    case report::DsnKind::success:
      break;
  }
  return asks_for(recipient.dsn, "SUCCESS");
}

std::string_view name_of(report::DsnKind kind) {
  if (kind == report::DsnKind::failure) return "failure";
  return kind == report::DsnKind::delay ? "delay" : "success";
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
  switch (result) {
    case RecipientResult::delivered:
      return "delivered";
    case RecipientResult::deferred:
      return "deferred";
    case RecipientResult::failed:
      break;
  }
  return "bounced";
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
  if (outcome.result == RecipientResult::failed) {
    recipient.status = RecipientStatus::bounced;
    delivery.failed.push_back(index);
  }
  const bool tls = link && link->connection && link->connection->tls();
  services_.metrics.attempt(recipient.route, recipient.pool, to_metric(outcome.result),
                            reply_class(outcome.reply), tls);
  services_.metrics.provider_attempt(recipient.route, deliver::provider_of(link ? link->host : ""),
                                     to_metric(outcome.result), deliver::refusal_cause(outcome));
  if (outcome.result != RecipientResult::deferred)
    services_.metrics.recipient_done(recipient.route, to_metric(outcome.result));
  const std::string_view spf = spf_of(delivery, link);
  const std::string sent_from =
      link && link->chosen ? link->chosen->public_address.to_string() : std::string();
  if (link && link->chosen) services_.metrics.egress_used(sent_from, spf);
  services_.log.write(
      report::Fact(event_of(outcome.result), services_.clock.now())
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
          .with("tls",
                tls ? std::string_view(link->connection->tls()->version) : std::string_view{})
          .with("reply", outcome.reply));
}

// RFC 3461 5.2: a next hop that speaks DSN tells the sender itself.
spool::ReportDue Outbound::report_due(const Delivery& delivery, const Recipient& recipient,
                                      const Link* link) {
  if (!delivery.record().envelope.sender || !wants_report(recipient, report::DsnKind::success))
    return spool::ReportDue::none;
  if (!link) return spool::ReportDue::delivered;
  return link->connection->capabilities().dsn ? spool::ReportDue::none : spool::ReportDue::relayed;
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
  if (!delivery->failed.empty()) co_await report_failures(delivery);
  if (owes_reports(state)) co_await report_successes(delivery);
  if (any_open(state) && delivery->attempted) co_await report_delay(delivery);
  if (!any_open(state) && state.is_held()) services_.held_mail.ended(record, state.hold_reason);
  if (any_open(state) && (delivery->attempted || !delivery->parked_until)) ++state.attempts;
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
                             if (removed) services_.in_memory.erase(delivery->record().id);
                             tell_stored(*delivery, removed);
                             if (!removed && !draining_) scope_.spawn(remove_again(delivery));
                           });
    return;
  }
  state.due =
      schedule::next_attempt(delivery->snapshot->settings->queue, state.attempts, record.received,
                             services_.clock.now(), record.expires, random());
  if (delivery->parked_until && !delivery->attempted)
    state.due = std::min(*delivery->parked_until, record.expires);
  state.due = std::max<WallTime>(state.due, services_.clock.now() + kLeastPause);
  services_.spool.update(id, state, previous_due, spool::Attempts::over, loop_,
                         [this, delivery](Result<void> updated) {
                           if (updated) services_.in_memory.erase(delivery->record().id);
                           tell_stored(*delivery, updated);
                           if (!updated && !draining_) scope_.spawn(update_again(delivery));
                         });
}

void Outbound::tell_stored(Delivery& delivery, const Result<void>& stored) {
  if (delivery.on_stored) std::exchange(delivery.on_stored, nullptr)(stored);
}

// Until it is stored it counts as in memory: who has the message must not get it again.
net::Task<void> Outbound::update_again(std::shared_ptr<Delivery> delivery) {
  const QueueId id = delivery->record().id;
  const WallTime due = delivery->stored->state.due;
  const spool::State state = std::move(delivery->state);
  delivery.reset();
  for (;;) {
    spdlog::error("the new state of {} is not stored", id.to_string());
    co_await loop_.sleep(kWriteAgain);
    auto updated = co_await net::completion<Result<void>>(loop_, [&](auto done) {
      services_.spool.update(id, state, due, spool::Attempts::over, loop_, std::move(done));
    });
    if (updated) break;
  }
  services_.in_memory.erase(id);
}

// Until it is gone it counts as in memory: what is done must not go out again.
net::Task<void> Outbound::remove_again(std::shared_ptr<Delivery> delivery) {
  const QueueId id = delivery->record().id;
  const WallTime due = delivery->stored->state.due;
  const std::uint32_t chunks = delivery->record().body_chunks;
  delivery.reset();
  for (;;) {
    spdlog::error("{} is done but stays in the spool", id.to_string());
    co_await loop_.sleep(kWriteAgain);
    auto removed = co_await net::completion<Result<void>>(
        loop_, [&](auto done) { services_.spool.remove(id, due, chunks, loop_, std::move(done)); });
    if (removed) break;
  }
  services_.in_memory.erase(id);
}

// The message is not settled yet, but what was delivered must not be delivered again after a crash.
// Who failed stays queued until the report is stored: else a crash would take the report with it.
void Outbound::write_progress(const Delivery& delivery) {
  const QueueId id = delivery.record().id;
  spool::State state = delivery.state;
  for (const std::uint32_t index : delivery.failed)
    state.recipients[index].status = RecipientStatus::queued;
  const auto attempts = delivery.open_jobs > 0 ? spool::Attempts::under_way : spool::Attempts::over;
  services_.spool.update(id, std::move(state), delivery.stored->state.due, attempts, loop_,
                         [id](Result<void> updated) {
                           if (!updated)
                             spdlog::error("progress of {} not stored: {}", id.to_string(),
                                           updated.error().detail);
                         });
}

net::Task<void> Outbound::report_failures(std::shared_ptr<Delivery> delivery) {
  const spool::Record& record = delivery->record();
  const config::Settings& settings = *delivery->snapshot->settings;
  const auto failed_one = [&](std::uint32_t index) -> const Recipient& {
    return delivery->state.recipients[index].recipient;
  };
  const auto wants_to_know = [](const Recipient& each) {
    return wants_report(each, report::DsnKind::failure);
  };
  if (std::ranges::none_of(delivery->failed, wants_to_know, failed_one)) co_return;
  const auto from = smtp::parse_mailbox(settings.dsn.from);
  // A report that can't be delivered goes to the postmaster once (RFC 5321 6.1: never a report of a
  // report).
  const auto postmaster = smtp::parse_mailbox(settings.dsn.postmaster);
  const bool is_report = !record.envelope.sender;
  const auto is_postmaster = [&](const Recipient& each) { return each.address == *postmaster; };
  const bool goes_nowhere =
      is_report &&
      (!postmaster || std::ranges::any_of(delivery->failed, is_postmaster, failed_one));
  if (!from || goes_nowhere) {
    services_.metrics.dsn_dropped();
    services_.log.write(report::Fact("dsn_dropped", services_.clock.now()).with("id", record.id));
    co_return;
  }
  report::DsnRequest request = report_about(*delivery, report::DsnKind::failure, *from,
                                            is_report ? *postmaster : *record.envelope.sender);
  for (const std::uint32_t index : delivery->failed) add_to_report(*delivery, index, request);
  request.original_body = co_await body_to_return(delivery);
  auto sent = co_await send_report(delivery, std::move(request));
  if (sent) co_return;
  // Nobody would hear of the failure: keep the message and try again later.
  for (const std::uint32_t index : delivery->failed)
    delivery->state.recipients[index].status = RecipientStatus::queued;
}

// RET=FULL (RFC 3461 4.3): up to the size that travels in one piece; REQUIRETLS mail never (RFC
// 8689 5). Null: the header has to do.
net::Task<std::shared_ptr<const std::string>> Outbound::body_to_return(
    std::shared_ptr<Delivery> delivery) {
  const spool::Record& record = delivery->record();
  const bool is_asked_for = record.envelope.dsn_return == "FULL" && !record.envelope.require_tls;
  if (!is_asked_for || record.body_chunks > 0) co_return nullptr;
  if (delivery->body) co_return delivery->body;
  auto body = co_await net::run_on(
      services_.pool, loop_,
      [&spool = services_.spool, id = record.id] { return spool.load_body(id); });
  if (!body) co_return nullptr;
  co_return std::make_shared<const std::string>(std::move(*body));
}

// One that can't be made is owed until the message expires.
net::Task<void> Outbound::report_successes(std::shared_ptr<Delivery> delivery) {
  const spool::Record& record = delivery->record();
  auto& recipients = delivery->state.recipients;
  Result<void> sent = fail(Fault::configuration, "no sender for reports");
  const auto from = smtp::parse_mailbox(delivery->snapshot->settings->dsn.from);
  if (from) {
    report::DsnRequest request =
        report_about(*delivery, report::DsnKind::success, *from, *record.envelope.sender);
    for (std::uint32_t i = 0; i < recipients.size(); ++i) {
      if (is_owed_report(recipients[i])) add_to_report(*delivery, i, request);
    }
    sent = co_await send_report(delivery, std::move(request));
    if (!sent && services_.clock.now() < record.expires) co_return;
  }
  if (!sent) {
    services_.metrics.dsn_dropped();
    services_.log.write(report::Fact("dsn_dropped", services_.clock.now()).with("id", record.id));
  }
  for (spool::RecipientState& recipient : recipients) recipient.report_due = spool::ReportDue::none;
}

// Once, after `queue.delay_dsn`; one that can't be made is tried again after the next attempt.
net::Task<void> Outbound::report_delay(std::shared_ptr<Delivery> delivery) {
  const spool::Record& record = delivery->record();
  const config::Settings& settings = *delivery->snapshot->settings;
  const auto after = settings.queue.delay_dsn;
  const auto from = smtp::parse_mailbox(settings.dsn.from);
  if (after.count() == 0 || delivery->state.delay_reported || !from || !record.envelope.sender ||
      services_.clock.now() < record.received + after) {
    co_return;
  }
  report::DsnRequest request =
      report_about(*delivery, report::DsnKind::delay, *from, *record.envelope.sender);
  for (std::uint32_t i = 0; i < delivery->state.recipients.size(); ++i) {
    if (is_open(delivery->state.recipients[i])) add_to_report(*delivery, i, request);
  }
  if (request.recipients.empty()) co_return;
  auto sent = co_await send_report(delivery, std::move(request));
  if (sent) delivery->state.delay_reported = true;
}

report::DsnRequest Outbound::report_about(const Delivery& delivery, report::DsnKind kind,
                                          Mailbox from, Mailbox to) {
  const spool::Record& record = delivery.record();
  return {.kind = kind,
          .original = record.id,
          .from = std::move(from),
          .to = std::move(to),
          .hostname = delivery.snapshot->settings->hostname,
          .envelope_id = record.envelope.envelope_id,
          .received = record.received,
          .now = services_.clock.now(),
          .will_retry_until = record.expires,
          .original_header = record.header,
          .recipients = {},
          .utf8 = record.envelope.utf8};
}

void Outbound::add_to_report(const Delivery& delivery, std::uint32_t index,
                             report::DsnRequest& request) {
  const spool::RecipientState& recipient = delivery.state.recipients[index];
  if (!wants_report(recipient.recipient, request.kind)) return;
  request.recipients.push_back({.recipient = recipient.recipient,
                                .reply = recipient.last_reply,
                                .enhanced = {},
                                .remote_host = delivery.remote_hosts[index],
                                .relayed = recipient.report_due == spool::ReportDue::relayed});
}

net::Task<Result<void>> Outbound::send_report(std::shared_ptr<Delivery> delivery,
                                              report::DsnRequest request) {
  report::DsnMessage message = report::build_dsn(request);
  message.require_tls = delivery->record().envelope.require_tls;
  auto submitted =
      co_await pipeline_.submit(std::move(message), request.from, request.to, delivery->snapshot);
  if (!submitted) {
    spdlog::error("report about {} not made: {}", request.original.to_string(),
                  submitted.error().detail);
    co_return submitted.failure();
  }
  services_.metrics.dsn_made(name_of(request.kind));
  services_.log.write(report::Fact("dsn", services_.clock.now())
                          .with("id", *submitted)
                          .with("about", request.original)
                          .with("kind", name_of(request.kind)));
  co_return Result<void>{};
}

}  // namespace signet
