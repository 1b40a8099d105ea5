// What becomes of a message after its attempts: done, retry, or a report to its sender.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "relay/pipeline.hpp"
#include "relay/smtp/command.hpp"

namespace signet {
namespace {

using deliver::RecipientResult;
using spool::RecipientStatus;

constexpr std::chrono::minutes kLeastPause{1};

bool is_open(const spool::RecipientState& recipient) {
  return recipient.status == RecipientStatus::queued || recipient.status == RecipientStatus::held;
}

bool any_open(const spool::State& state) { return std::ranges::any_of(state.recipients, is_open); }

bool wants_no_report(const Recipient& recipient) { return recipient.dsn.notify == "NEVER"; }

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
  if (--delivery.open_jobs > 0) return write_progress(delivery);
  scope_.spawn(settle(std::move(job.delivery)));
}

void Outbound::note(Delivery& delivery, std::uint32_t index,
                    const deliver::RecipientOutcome& outcome, const Link* link) {
  spool::RecipientState& recipient = delivery.state.recipients[index];
  ++recipient.attempts;
  delivery.attempted = true;
  recipient.last_reply = outcome.reply;
  if (link) delivery.remote_hosts[index] = link->host;
  if (outcome.result == RecipientResult::delivered) recipient.status = RecipientStatus::delivered;
  if (outcome.result == RecipientResult::failed) {
    recipient.status = RecipientStatus::bounced;
    delivery.failed.push_back(index);
  }
  const bool tls = link && link->connection && link->connection->tls();
  services_.metrics.attempt(recipient.route, recipient.pool, to_metric(outcome.result),
                            reply_class(outcome.reply), tls);
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
  if (!delivery->failed.empty()) {
    write_progress(*delivery);
    co_await report_failures(delivery);
  }
  if (any_open(state) && delivery->attempted) co_await report_delay(delivery);
  if (!any_open(state) && state.is_held()) services_.held_mail.ended(record, state.hold_reason);
  if (any_open(state) && (delivery->attempted || !delivery->parked_until)) ++state.attempts;
  forget(*delivery);
  write_state(std::move(delivery));
}

void Outbound::give_up(QueueId id, std::string reply,
                       std::move_only_function<void(Result<void>)> done) {
  scope_.spawn(run_give_up(id, std::move(reply), std::move(done)));
}

net::Task<void> Outbound::run_give_up(QueueId id, std::string reply,
                                      std::move_only_function<void(Result<void>)> done) {
  auto message = co_await net::run_on(services_.pool, loop_,
                                      [&spool = services_.spool, id] { return spool.load(id); });
  if (!message) {
    services_.in_memory.erase(id);
    done(message.failure());
    co_return;
  }
  auto delivery = std::make_shared<Delivery>();
  delivery->stored = std::make_shared<const spool::Message>(std::move(*message));
  delivery->state = delivery->stored->state;
  delivery->snapshot = services_.current.get();
  admit(*delivery);  // settle() forgets it.
  for (std::uint32_t i = 0; i < delivery->state.recipients.size(); ++i) {
    if (is_open(delivery->state.recipients[i]))
      note(*delivery, i, {RecipientResult::failed, reply, Fault::bounced_by_operator}, nullptr);
  }
  co_await settle(std::move(delivery));
  done({});
}

void Outbound::write_state(std::shared_ptr<Delivery> delivery) {
  const spool::Record& record = delivery->record();
  const QueueId id = record.id;
  spool::State& state = delivery->state;
  const WallTime previous_due = delivery->stored->state.due;
  if (!any_open(state)) {
    services_.spool.remove(id, previous_due, record.body_chunks, loop_,
                           [this, id](Result<void> removed) {
                             // Not forgotten when it is still there: it must not go out twice.
                             if (removed) return services_.in_memory.erase(id);
                             spdlog::error("{} is done but stays in the spool: {}", id.to_string(),
                                           removed.error().detail);
                           });
    return;
  }
  state.due =
      schedule::next_attempt(delivery->snapshot->settings->queue, state.attempts, record.received,
                             services_.clock.now(), record.expires, random());
  if (delivery->parked_until && !delivery->attempted)
    state.due = std::min(*delivery->parked_until, record.expires);
  state.due = std::max<WallTime>(state.due, services_.clock.now() + kLeastPause);
  services_.spool.update(id, state, previous_due, loop_, [this, id](Result<void> updated) {
    if (!updated)
      spdlog::error("new state of {} not stored: {}", id.to_string(), updated.error().detail);
    services_.in_memory.erase(id);
  });
}

// The message is not settled yet, but what was delivered must not be delivered again after a crash.
// Who failed stays queued until the report is stored: else a crash would take the report with it.
void Outbound::write_progress(const Delivery& delivery) {
  const QueueId id = delivery.record().id;
  spool::State state = delivery.state;
  for (const std::uint32_t index : delivery.failed)
    state.recipients[index].status = RecipientStatus::queued;
  services_.spool.update(
      id, std::move(state), delivery.stored->state.due, loop_, [id](Result<void> updated) {
        if (!updated)
          spdlog::error("progress of {} not stored: {}", id.to_string(), updated.error().detail);
      });
}

net::Task<void> Outbound::report_failures(std::shared_ptr<Delivery> delivery) {
  const spool::Record& record = delivery->record();
  const config::Settings& settings = *delivery->snapshot->settings;
  const auto failed_one = [&](std::uint32_t index) -> const Recipient& {
    return delivery->state.recipients[index].recipient;
  };
  if (std::ranges::all_of(delivery->failed, wants_no_report, failed_one)) co_return;
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
  auto sent = co_await send_report(delivery, std::move(request));
  if (sent) co_return;
  // Nobody would hear of the failure: keep the message and try again later.
  for (const std::uint32_t index : delivery->failed)
    delivery->state.recipients[index].status = RecipientStatus::queued;
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
          .recipients = {}};
}

void Outbound::add_to_report(const Delivery& delivery, std::uint32_t index,
                             report::DsnRequest& request) {
  const spool::RecipientState& recipient = delivery.state.recipients[index];
  if (wants_no_report(recipient.recipient)) return;
  request.recipients.push_back({.recipient = recipient.recipient,
                                .reply = recipient.last_reply,
                                .enhanced = {},
                                .remote_host = delivery.remote_hosts[index]});
}

net::Task<Result<void>> Outbound::send_report(std::shared_ptr<Delivery> delivery,
                                              report::DsnRequest request) {
  auto submitted = co_await pipeline_.submit(report::build_dsn(request), request.from, request.to,
                                             delivery->snapshot);
  if (!submitted) {
    spdlog::error("report about {} not made: {}", request.original.to_string(),
                  submitted.error().detail);
    co_return submitted.failure();
  }
  const bool is_delay = request.kind == report::DsnKind::delay;
  services_.metrics.dsn_made(is_delay ? "delay" : "failure");
  services_.log.write(report::Fact("dsn", services_.clock.now())
                          .with("id", *submitted)
                          .with("about", request.original)
                          .with("kind", is_delay ? "delay" : "failure"));
  co_return Result<void>{};
}

}  // namespace signet
