// Reports to senders: of failure, delay and success (RFC 3461).
#include <spdlog/spdlog.h>

#include <algorithm>

#include "relay/pipeline.hpp"
#include "relay/smtp/command.hpp"

namespace signet {
namespace {

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

}  // namespace

// RFC 3461 5.2: a next hop that speaks DSN tells the sender itself.
spool::ReportDue Outbound::report_due(const Delivery& delivery, const Recipient& recipient,
                                      const Link* link) {
  if (!delivery.record().envelope.sender || !wants_report(recipient, report::DsnKind::success))
    return spool::ReportDue::none;
  if (!link) return spool::ReportDue::delivered;
  return link->connection->capabilities().dsn ? spool::ReportDue::none : spool::ReportDue::relayed;
}

net::Task<Result<void>> Outbound::report_failures(std::shared_ptr<Delivery> delivery) {
  const spool::Record& record = delivery->record();
  const config::Settings& settings = *delivery->snapshot->settings;
  const auto failed_one = [&](const FailedRecipient& each) -> const Recipient& {
    return delivery->state.recipients[each.index].recipient;
  };
  const auto wants_to_know = [](const Recipient& each) {
    return wants_report(each, report::DsnKind::failure);
  };
  if (std::ranges::none_of(delivery->failed, wants_to_know, failed_one)) co_return Result<void>{};
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
    co_return Result<void>{};
  }
  report::DsnRequest request = report_about(*delivery, report::DsnKind::failure, *from,
                                            is_report ? *postmaster : *record.envelope.sender);
  for (const FailedRecipient& each : delivery->failed)
    add_to_report(*delivery, each.index, request);
  request.original_body = co_await body_to_return(delivery);
  co_return co_await send_report(delivery, std::move(request));
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
      if (recipients[i].report_due != spool::ReportDue::none) add_to_report(*delivery, i, request);
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
