// Outbound: the messages one loop has in memory, their destinations, and the connections that carry
// them.
//
// A fresh message is tried by the loop that accepted it; deferred ones are claimed through claim().
// What does not fit in memory stays in the spool until the scanner finds it. Everything but
// is_full() and the counters runs on the loop.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "relay/deliver/client.hpp"
#include "relay/net/loop.hpp"
#include "relay/report/dsn.hpp"
#include "relay/route/diversion.hpp"
#include "relay/services.hpp"
#include "relay/sign/signer.hpp"
#include "relay/sign/verifier.hpp"

namespace signet {

class Pipeline;

class Outbound {
 public:
  Outbound(Services& services, net::Loop& loop, Pipeline& pipeline);
  ~Outbound();

  /// A message just stored; already in services.in_memory. `body` is null when it is in chunks.
  void take(std::shared_ptr<const spool::Message> message, std::shared_ptr<const std::string> body,
            std::shared_ptr<const Snapshot> snapshot);
  /// A due message of the spool; already in services.in_memory, and room for it reserved.
  void claim(QueueId id);
  /// Room for one message that will be claimed; its size is not known yet. Any thread.
  void reserve() {
    messages_.fetch_add(1);
    bytes_.fetch_add(kReservedBytes);
  }
  using IsMeant = std::function<bool(const spool::RecipientState&)>;
  /// Of a message that is in services.in_memory every open recipient that is meant fails with
  /// `reply`, and the sender gets the report; the others wait as long as before. Faults: not_found;
  /// none_waits().
  void give_up(QueueId id, std::string reply, IsMeant is_meant,
               std::move_only_function<void(Result<void>)> done);
  [[nodiscard]] static Failure none_waits() {
    return fail(Fault::message_state_wrong, "none waits", "No recipient waits that is meant");
  }
  /// Judges the alignment of a held message again. Faults: not_found; not_aligned, with the
  /// reason, where it would be held or refused. What can't be known is allowed, as at receipt.
  void review(QueueId id, std::move_only_function<void(Result<void>)> done);
  /// The same of a message that is not held, as if `change` had changed its state. A held one is
  /// judged when it is released.
  using StateChange = std::function<void(const spool::Record&, spool::State&)>;
  void review_changed(QueueId id, StateChange change,
                      std::move_only_function<void(Result<void>)> done);
  /// Called when a fresh message did not fit: the scanner must look again from its due time on.
  void on_overflow(std::function<void(WallTime due)> observer) { overflow_ = std::move(observer); }
  [[nodiscard]] bool is_full() const {
    return messages_.load() >= kMaxMessages || bytes_.load() >= kMaxBytes;
  }

  /// No new transaction begins; those under way end.
  void drain() {
    draining_ = true;
    wake_all();
  }
  [[nodiscard]] std::size_t busy() const {
    return busy_.load();
  }  ///< Transactions under way. Any thread.
  [[nodiscard]] std::size_t messages() const { return messages_.load(); }
  /// Ends every task; before the loop ends.
  void clear() {
    scope_.clear();
    destinations_.clear();
  }

  static constexpr std::size_t kMaxMessages = 4096;
  static constexpr std::uint64_t kMaxBytes = 64ULL << 20U;
  /// Less than this: the scanner may bring more.
  [[nodiscard]] bool has_room() const {
    return messages_.load() < kMaxMessages / 8 * 7 && bytes_.load() < kMaxBytes / 8 * 7;
  }

 private:
  static constexpr std::uint64_t kReservedBytes = spool::kInlineBody;

  /// Told of when it is known whether the report about it is stored.
  struct FailedRecipient {
    std::uint32_t index;
    report::Fact bounced;
    report::Fact deferred;
  };
  /// A message in memory. Shared by its jobs: the last one to end settles it.
  struct Delivery {
    std::shared_ptr<const spool::Message>
        stored;  // The record; the state in it is the one at load.
    spool::State state;
    std::shared_ptr<const std::string> body;
    std::shared_ptr<const Snapshot> snapshot;
    std::optional<sign::Signed> fresh;  // In place of the stored signatures.
    std::size_t open_jobs = 0;
    bool attempted = false;                // Some recipient was tried.
    bool tried_again = false;              // One of them will be.
    std::optional<WallTime> parked_until;  // Some recipient was not: its destination is stuck.
    std::uint64_t bytes = 0;
    std::vector<FailedRecipient> failed;
    std::move_only_function<void(Result<void>)> on_stored;  // Hears once what became of its state.
    std::vector<std::string> remote_hosts;                  // By recipient.
    [[nodiscard]] const spool::Record& record() const { return stored->record; }
    [[nodiscard]] const std::string& signatures() const {
      return fresh ? fresh->fields : record().signatures;
    }
    [[nodiscard]] const std::vector<std::string>& signed_by() const {
      return fresh ? fresh->signed_by : record().signed_by;
    }
  };
  struct Job {
    std::shared_ptr<Delivery> delivery;
    std::vector<std::uint32_t> recipients;
    SteadyTime since;  // In line since then.
  };
  /// What a message asks of TLS beyond its route's policy (RFC 8689).
  enum class TlsNeed { by_route, required, optional };
  struct Destination {
    explicit Destination(net::Loop& loop) : wake(loop) {}
    std::string key;
    std::string route;
    std::optional<config::RouteSettings> next_hop;  // Of a route that is in no configuration.
    std::string pool;
    TlsNeed tls_need = TlsNeed::by_route;
    Domain domain = *Domain::parse("invalid");
    std::deque<Job> jobs;
    std::size_t workers = 0;
    std::size_t idle = 0;
    bool waiting_for_lease = false;
    std::size_t parked = 0;  // Messages put back into the spool since it got stuck.
    net::Event wake;
  };
  struct Link {  // A worker's connection and what it was made for.
    std::unique_ptr<deliver::Connection> connection;
    std::shared_ptr<const Snapshot> snapshot;
    std::string host;
    std::string egress;
    std::optional<config::EgressAddress> chosen;  // Nothing: the system chose.
    std::uint32_t messages = 0;
    bool reached_dot = false;  // The attempt record of the present message is written.
  };

  // Queue (outbound.cpp)
  void dispatch(std::shared_ptr<Delivery> delivery);
  Destination& destination_for(const spool::RecipientState& recipient,
                               const route::WaitingRoute& waiting, TlsNeed tls_need);
  static TlsNeed tls_need(const spool::Record& record, const config::RouteSettings& route);
  void ensure_worker(Destination& destination);
  struct Fetched {
    std::shared_ptr<Delivery> delivery;
    Result<void> body;  // A failure: the body is lost.
  };
  /// A message of the spool, in memory but not counted yet. Faults: not_found, spool_failed.
  net::Task<Result<Fetched>> fetch(QueueId id);
  net::Task<void> load(QueueId id);
  net::Task<void> run_give_up(QueueId id, std::string reply, IsMeant is_meant,
                              std::move_only_function<void(Result<void>)> done);
  /// Nothing: the stored ones are good. Faults: those of the keys.
  net::Task<Result<std::optional<sign::Signed>>> fresh_signatures(
      const spool::Message& message, std::shared_ptr<const std::string> body,
      std::shared_ptr<const Snapshot> snapshot);
  /// What a verdict that can't be known now does to held mail.
  enum class Doubt { stays, goes };
  /// Why mail must stay on hold for its alignment; empty: the cause is gone.
  net::Task<std::string> still_held(const Delivery& delivery, Doubt doubt);
  net::Task<void> run_review(QueueId id, StateChange change,
                             std::move_only_function<void(Result<void>)> done);
  net::Task<void> keep_unreadable(std::shared_ptr<Delivery> delivery, bool expired,
                                  const Error& error);
  net::Task<Result<void>> feed_body(const Delivery& delivery, sign::MessageVerifier& verifier);
  net::Task<void> hold(std::shared_ptr<Delivery> delivery, std::string reason);
  void unreserve();
  void admit(Delivery& delivery);
  void forget(const Delivery& delivery);
  void wake_all();
  /// Null: it is gone.
  static const config::RouteSettings* route_to(const Destination& destination,
                                               const config::Settings& settings);

  // Room for others when a destination is stuck (parking.cpp)
  [[nodiscard]] bool is_crowded() const {
    return messages_.load() > kMaxMessages / 2 || bytes_.load() > kMaxBytes / 2;
  }
  net::Task<void> relieve();
  void make_room(Destination& destination, SteadyTime now);
  void park(Job job, WallTime until);

  // Workers (delivery_worker.cpp)
  net::Task<void> wait_for_lease(Destination& destination);
  net::Task<void> work(Destination& destination, schedule::Leases::Lease lease);
  void wait_in_line(Destination& destination);
  void leave(Destination& destination);
  net::Task<bool> next_job(Destination& destination, Job& job, bool may_idle,
                           const schedule::Leases::Lease& lease);
  net::Task<void> run(Job job, Destination& destination, Link& link);
  /// What is suspended goes back to the spool, without counting as an attempt. False: nothing is
  /// left of the job.
  bool keep_what_may_go(Job& job, const Destination& destination);
  void keep_what_fits(Job& job, const std::vector<std::size_t>& admitted, Destination& destination);
  [[nodiscard]] std::string_view spf_of(const Delivery& delivery, const Link* link);
  net::Task<void> run_maildir(Job job, const config::RouteSettings& route);
  deliver::Transaction transaction_for(const Job& job, std::shared_ptr<std::uint32_t> next_chunk,
                                       std::shared_ptr<std::string> slice, bool& reached_dot);
  net::Task<Result<std::string_view>> next_slice(std::shared_ptr<Delivery> delivery,
                                                 std::shared_ptr<std::uint32_t> next_chunk,
                                                 std::shared_ptr<std::string> slice);
  net::Task<Result<void>> record_attempt(QueueId id, std::vector<std::uint32_t> accepted);
  void fail_all(Job job, const Error& error);

  // Connections of workers (connecting.cpp)
  net::Task<Result<void>> connect(Destination& destination, const config::RouteSettings& route,
                                  std::shared_ptr<const Snapshot> snapshot, ReversePath sender,
                                  Link& link);
  /// Nothing: the system chooses. Faults: configuration (the pool is gone), destination_busy (what
  /// could be used is suspended), address_forbidden.
  [[nodiscard]] Result<std::optional<config::EgressAddress>> choose_egress(
      const Destination& destination, const IpAddress& next_hop, const config::Settings& settings,
      const ReversePath& sender);
  net::Task<Result<void>> connect_to(const route::Target& target, const IpAddress& address,
                                     const Destination& destination,
                                     const config::RouteSettings& route, const Snapshot& snapshot,
                                     const ReversePath& sender, Link& link);
  net::Task<Result<void>> check_requiretls(Link& link);
  /// True if SPF of the sender's domain is known to pass for this address.
  [[nodiscard]] bool is_listed(const ReversePath& sender, const config::EgressAddress& egress);
  /// False where another address of the pool would do better by SPF.
  [[nodiscard]] bool suits(const Link& link, const Destination& destination,
                           const Delivery& delivery);

  // Outcomes (settlement.cpp)
  static bool is_open(const spool::RecipientState& recipient) {
    return recipient.status == spool::RecipientStatus::queued ||
           recipient.status == spool::RecipientStatus::held;
  }
  static bool any_open(const spool::State& state) {
    return std::ranges::any_of(state.recipients, is_open);
  }
  void finish(Job job, const std::vector<deliver::RecipientOutcome>& outcomes, const Link* link);
  void count_trial(const Delivery& delivery,
                   const std::vector<deliver::RecipientOutcome>& outcomes);
  void note(Delivery& delivery, std::uint32_t index, const deliver::RecipientOutcome& outcome,
            const Link* link);
  net::Task<void> settle(std::shared_ptr<Delivery> delivery);
  void tell_failures(Delivery& delivery, const Result<void>& reported);
  /// What was `before` in the spool has another hold now, or none, or is gone.
  void is_stored(const spool::Message& before, const std::string& hold_reason);
  static void tell_stored(Delivery& delivery, Result<void> stored);
  void write_state(std::shared_ptr<Delivery> delivery);
  net::Task<void> remove_again(std::shared_ptr<Delivery> delivery);
  net::Task<void> update_again(std::shared_ptr<Delivery> delivery);
  void write_progress(const Delivery& delivery);

  // Reports (sender_reports.cpp)
  /// A failure: nobody will hear of those that failed.
  net::Task<Result<void>> report_failures(std::shared_ptr<Delivery> delivery);
  net::Task<void> report_successes(std::shared_ptr<Delivery> delivery);
  net::Task<void> report_delay(std::shared_ptr<Delivery> delivery);
  static spool::ReportDue report_due(const Delivery& delivery, const Recipient& recipient,
                                     const Link* link);
  net::Task<std::shared_ptr<const std::string>> body_to_return(std::shared_ptr<Delivery> delivery);
  report::DsnRequest report_about(const Delivery& delivery, report::DsnKind kind, Mailbox from,
                                  Mailbox to);
  static void add_to_report(const Delivery& delivery, std::uint32_t index,
                            report::DsnRequest& request);
  net::Task<Result<void>> send_report(std::shared_ptr<Delivery> delivery,
                                      report::DsnRequest request);

  std::uint64_t random();

  Services& services_;
  net::Loop& loop_;
  Pipeline& pipeline_;
  std::function<void(WallTime)> overflow_;
  std::atomic<std::size_t> messages_{0};
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::size_t> busy_{0};
  bool draining_ = false;
  bool relieving_ = false;
  std::uint64_t random_state_ = 0x9E3779B97F4A7C15ULL;
  std::unordered_map<std::string, std::unique_ptr<Destination>> destinations_;
  net::TaskScope scope_;  // Last: tasks die before what they refer to.
};

}  // namespace signet
