// Workers: one per connection. A worker takes jobs of its destination until none comes for a while.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "relay/pipeline.hpp"
#include "relay/smtp/characters.hpp"
#include "relay/stopwatch.hpp"

namespace signet {
namespace {

constexpr std::chrono::milliseconds kLeasePoll{20};
constexpr std::chrono::milliseconds kIdleSlice{100};  // An idle worker looks up this often.
constexpr std::chrono::seconds kTurn{1};  // A lease is kept this long though others want it.

}  // namespace

net::Task<void> Outbound::wait_for_lease(Destination& destination) {
  const auto wish = services_.leases.wish(destination.key);
  for (;;) {
    co_await loop_.sleep(kLeasePoll);
    if (destination.jobs.empty() || destination.workers > 0 || draining_) break;
    ensure_worker(destination);
  }
  destination.waiting_for_lease = false;
  leave(destination);
}

net::Task<void> Outbound::work(Destination& destination, schedule::Leases::Lease lease) {
  const SteadyTime began = services_.clock.steady();
  Link link;
  Job job;
  bool turn_is_over = false;
  while (!turn_is_over) {
    const bool may_idle = link.connection && link.connection->is_reusable();
    const bool found = co_await next_job(destination, job, may_idle, lease);
    if (!found) break;
    if (!destination.jobs.empty() && !lease.is_wanted()) ensure_worker(destination);
    busy_.fetch_add(1);
    co_await run(std::move(job), destination, link);
    busy_.fetch_sub(1);
    job = Job{};
    turn_is_over = lease.is_wanted() && services_.clock.steady() - began >= kTurn;
  }
  if (link.connection) {
    services_.metrics.outbound_connection(-1);
    co_await link.connection->quit();
    link.connection.reset();
  }
  lease = schedule::Leases::Lease();
  --destination.workers;
  if (turn_is_over) wait_in_line(destination);
  leave(destination);
}

// Jobs without a worker wait for a lease like those of other loops, behind whoever waits already.
void Outbound::wait_in_line(Destination& destination) {
  if (destination.jobs.empty() || destination.workers > 0 || destination.waiting_for_lease) return;
  destination.waiting_for_lease = true;
  scope_.spawn(wait_for_lease(destination));
}

// The last thing a worker or a wait for a lease does: the destination may be gone afterwards.
void Outbound::leave(Destination& destination) {
  if (destination.workers > 0 || destination.waiting_for_lease) return;
  if (destination.jobs.empty()) {
    destinations_.erase(std::string(destination.key));
  } else if (!draining_) {
    ensure_worker(destination);
  }
}

net::Task<bool> Outbound::next_job(Destination& destination, Job& job, bool may_idle,
                                   const schedule::Leases::Lease& lease) {
  const SteadyTime deadline =
      services_.clock.steady() + services_.current.get()->settings->timeouts.idle_connection;
  while (destination.jobs.empty() && may_idle && !draining_ && !lease.is_wanted() &&
         services_.clock.steady() < deadline) {
    ++destination.idle;
    const bool woken = co_await destination.wake.wait(kIdleSlice);
    if (!woken) --destination.idle;
  }
  if (destination.jobs.empty() || draining_) co_return false;
  job = std::move(destination.jobs.front());
  destination.jobs.pop_front();
  co_return true;
}

net::Task<void> Outbound::run(Job job, Destination& destination, Link& link) {
  const auto snapshot = job.delivery->snapshot;
  const config::RouteSettings* route = route_to(destination, *snapshot->settings);
  if (!route) {
    fail_all(std::move(job),
             Error{Fault::configuration, "route " + destination.route + " is gone"});
    co_return;
  }
  if (!keep_what_may_go(job, destination)) co_return;
  if (route->kind == config::RouteKind::maildir) {
    co_await run_maildir(std::move(job), *route);
    co_return;
  }
  const bool reusable = link.connection && link.connection->is_reusable() &&
                        !link.connection->is_stale() && link.snapshot == snapshot &&
                        link.messages < snapshot->settings->limits.messages_per_connection &&
                        suits(link, destination, *job.delivery);
  std::vector<Domain> domains;
  domains.reserve(job.recipients.size());
  for (const std::uint32_t index : job.recipients)
    domains.push_back(job.delivery->state.recipients[index].recipient.address.domain);
  std::vector<std::size_t> admitted;
  if (reusable) admitted = link.connection->admit(domains);
  if (admitted.empty()) {
    auto connected = co_await connect(destination, *route, snapshot,
                                      job.delivery->record().envelope.sender, link);
    if (!connected) {
      fail_all(std::move(job), connected.error());
      co_return;
    }
    admitted = link.connection->admit(domains);
  }
  keep_what_fits(job, admitted, destination);
  ++link.messages;
  auto slice = std::make_shared<std::string>();
  auto next_chunk = std::make_shared<std::uint32_t>(0);
  link.reached_dot = false;
  auto transaction = transaction_for(job, next_chunk, slice, link.reached_dot);
  const Stopwatch watch(services_, monitoring::Stage::deliver);
  auto outcomes = co_await link.connection->send(std::move(transaction));
  watch.stop();
  finish(std::move(job), outcomes, &link);
}

// The recipients that LIMITS leaves over are a job of their own, next in line.
void Outbound::keep_what_fits(Job& job, const std::vector<std::size_t>& admitted,
                              Destination& destination) {
  if (admitted.size() == job.recipients.size()) return;
  Job rest{job.delivery, {}, job.since};
  std::vector<std::uint32_t> kept;
  for (std::size_t i = 0; i < job.recipients.size(); ++i) {
    const bool fits = std::ranges::binary_search(admitted, i);
    (fits ? kept : rest.recipients).push_back(job.recipients[i]);
  }
  job.recipients = std::move(kept);
  ++job.delivery->open_jobs;
  destination.jobs.push_front(std::move(rest));
}

/// What was predicted for the address that is used: an RFC word, or "unknown".
std::string_view Outbound::spf_of(const Delivery& delivery, const Link* link) {
  if (link == nullptr || !link->chosen) return "unknown";
  const auto known =
      pipeline_.aligning().known_spf(delivery.record().envelope.sender, *link->chosen);
  return known ? align::name_of(*known) : "unknown";
}

deliver::Transaction Outbound::transaction_for(const Job& job,
                                               std::shared_ptr<std::uint32_t> next_chunk,
                                               std::shared_ptr<std::string> slice,
                                               bool& reached_dot) {
  const spool::Record& record = job.delivery->record();
  deliver::Transaction transaction;
  transaction.sender = record.envelope.sender;
  for (const std::uint32_t index : job.recipients) {
    transaction.recipients.push_back(job.delivery->state.recipients[index].recipient);
  }
  transaction.head.reserve(job.delivery->signatures().size() + record.header.size() + 2);
  transaction.head.append(job.delivery->signatures()).append(record.header).append("\r\n");
  transaction.body_size = record.body_size;
  transaction.has_eight_bit = record.has_eight_bit;
  transaction.utf8 = record.envelope.utf8;
  transaction.utf8_header = record.envelope.utf8 && smtp::has_eight_bit(record.header);
  transaction.require_tls = record.envelope.require_tls;
  transaction.envelope_id = record.envelope.envelope_id;
  transaction.dsn_return = record.envelope.dsn_return;
  transaction.next_slice = [this, delivery = job.delivery, next_chunk = std::move(next_chunk),
                            slice = std::move(slice)] {
    return next_slice(delivery, next_chunk, slice);
  };
  transaction.before_dot = [this, &reached_dot, id = record.id,
                            recipients = job.recipients](std::vector<std::uint32_t> accepted) {
    reached_dot = true;
    for (std::uint32_t& index : accepted) index = recipients[index];
    return record_attempt(id, std::move(accepted));
  };
  return transaction;
}

net::Task<Result<std::string_view>> Outbound::next_slice(std::shared_ptr<Delivery> delivery,
                                                         std::shared_ptr<std::uint32_t> next_chunk,
                                                         std::shared_ptr<std::string> slice) {
  if (delivery->body) {
    co_return (*next_chunk)++ == 0 ? std::string_view(*delivery->body) : std::string_view{};
  }
  if (*next_chunk >= delivery->record().body_chunks) co_return std::string_view{};
  auto chunk =
      co_await net::run_on(services_.pool, loop_,
                           [&spool = services_.spool, id = delivery->record().id,
                            index = (*next_chunk)++] { return spool.load_chunk(id, index); });
  if (!chunk) co_return chunk.failure();
  *slice = std::move(*chunk);
  co_return std::string_view(*slice);
}

net::Task<Result<void>> Outbound::record_attempt(QueueId id, std::vector<std::uint32_t> accepted) {
  auto written = co_await net::completion<Result<void>>(loop_, [&](auto done) {
    services_.spool.record_attempt(id, std::move(accepted), loop_, std::move(done));
  });
  co_return written;
}

net::Task<void> Outbound::run_maildir(Job job, const config::RouteSettings& route) {
  auto written = co_await net::run_on(
      services_.pool, loop_, [this, delivery = job.delivery, maildir = route.maildir] {
        const spool::Record& record = delivery->record();
        // Final delivery records the reverse path (RFC 5321 4.4).
        const std::string return_path =
            "Return-Path: " + to_string(record.envelope.sender) + "\r\n";
        return deliver::deliver_to_maildir(
            maildir, record.id.to_string(), [&](const auto& sink) -> Result<void> {
              for (std::string_view part :
                   {std::string_view(return_path), std::string_view(delivery->signatures()),
                    std::string_view(record.header), std::string_view("\r\n"),
                    delivery->body ? std::string_view(*delivery->body) : std::string_view{}}) {
                auto done = sink(part);
                if (!done) return done;
              }
              for (std::uint32_t index = 0; index < record.body_chunks; ++index) {
                auto chunk = services_.spool.load_chunk(record.id, index);
                if (!chunk) return chunk.failure();
                auto done = sink(*chunk);
                if (!done) return done;
              }
              return {};
            });
      });
  deliver::RecipientOutcome outcome;
  if (written) {
    outcome = {deliver::RecipientResult::delivered, "250 2.0.0 Stored as " + *written};
  } else {
    outcome = {deliver::RecipientResult::deferred, "451 4.3.0 " + written.error().public_text(),
               written.error().fault};
    spdlog::warn("maildir {}: {}", route.maildir.string(), written.error().detail);
  }
  const std::vector<deliver::RecipientOutcome> outcomes(job.recipients.size(), outcome);
  finish(std::move(job), outcomes, nullptr);
}

void Outbound::fail_all(Job job, const Error& error) {
  const FaultRow& fault = row(error.fault);
  const auto result = is_transient(error.fault) || error.fault == Fault::peer_permanent
                          ? deliver::RecipientResult::deferred
                          : deliver::RecipientResult::failed;
  const std::string reply = std::to_string(fault.code) + " " + std::string(fault.enhanced) + " " +
                            error.public_text() +
                            (error.detail.empty() ? "" : " (" + error.detail + ")");
  const std::vector<deliver::RecipientOutcome> outcomes(job.recipients.size(),
                                                        {result, reply, error.fault});
  finish(std::move(job), outcomes, nullptr);
}

}  // namespace signet
