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
  services_.log.write(
      report::Fact(event_of(outcome.result), services_.clock.now())
          .with("id", delivery.record().id)
          .with("recipient", recipient.recipient.address.to_string())
          .with("route", recipient.route)
          .with("pool", recipient.pool)
          .with("attempt", static_cast<std::int64_t>(recipient.attempts))
          .with("host", link ? std::string_view(link->host) : std::string_view{})
          .with("egress", link ? std::string_view(link->egress) : std::string_view{})
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
                             if (!removed)
                               spdlog::error("{} is done but stays in the spool: {}",
                                             id.to_string(), removed.error().detail);
                             services_.in_memory.erase(id);
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
  std::vector<report::DsnRecipient> recipients;
  for (const std::uint32_t index : delivery->failed) {
    const spool::RecipientState& recipient = delivery->state.recipients[index];
    if (wants_no_report(recipient.recipient)) continue;
    recipients.push_back({.recipient = recipient.recipient,
                          .reply = recipient.last_reply,
                          .enhanced = {},
                          .remote_host = delivery->remote_hosts[index]});
  }
  if (recipients.empty()) co_return;
  const auto from = smtp::parse_mailbox(settings.dsn.from);
  // A report that can't be delivered goes to the postmaster once (RFC 5321 6.1: never a report of a
  // report).
  const auto postmaster = smtp::parse_mailbox(settings.dsn.postmaster);
  const bool is_report = !record.envelope.sender;
  const bool reached_postmaster =
      postmaster && std::ranges::any_of(recipients, [&](const report::DsnRecipient& recipient) {
        return recipient.recipient.address == *postmaster;
      });
  if (!from || (is_report && (!postmaster || reached_postmaster))) {
    services_.metrics.dsn_dropped();
    services_.log.write(report::Fact("dsn_dropped", services_.clock.now()).with("id", record.id));
    co_return;
  }
  Mailbox to = is_report ? *postmaster : *record.envelope.sender;
  const report::DsnRequest request{.original = record.id,
                                   .from = *from,
                                   .to = to,
                                   .hostname = settings.hostname,
                                   .envelope_id = record.envelope.envelope_id,
                                   .received = record.received,
                                   .now = services_.clock.now(),
                                   .will_retry_until = {},
                                   .original_header = record.header,
                                   .recipients = std::move(recipients)};
  auto submitted = co_await pipeline_.submit(report::build_dsn(request), *from, std::move(to),
                                             delivery->snapshot);
  if (!submitted) {
    // Nobody would hear of the failure: keep the message and try again later.
    spdlog::error("report about {} not made: {}", record.id.to_string(), submitted.error().detail);
    for (const std::uint32_t index : delivery->failed)
      delivery->state.recipients[index].status = RecipientStatus::queued;
    co_return;
  }
  services_.metrics.dsn_made("failure");
  services_.log.write(
      report::Fact("dsn", services_.clock.now()).with("id", *submitted).with("about", record.id));
}

}  // namespace signet
