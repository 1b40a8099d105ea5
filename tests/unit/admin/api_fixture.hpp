// A spool in a map, a clock that stands, orders that are only noted, and an API that serves them.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "relay/admin/api.hpp"
#include "relay/admin/operator_api.hpp"
#include "relay/admin/queue_api.hpp"
#include "relay/net/loop.hpp"
#include "tests/support/scratch_folder.hpp"

namespace signet::admin {

inline const WallTime kNow{std::chrono::milliseconds{1795454607123}};

class FixedClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return kNow; }
  [[nodiscard]] SteadyTime steady() const override { return {}; }
};

/// Reads from a map; writes are no affair of the API.
class StoredMessages final : public spool::Spool {
 public:
  std::map<std::uint64_t, spool::Message> messages;

  void put_chunk(QueueId, std::uint32_t, std::string, Executor&, spool::Done<void>) override {}
  void drop_chunks(QueueId, std::uint32_t) override {}
  void store(std::shared_ptr<const spool::Message>, std::shared_ptr<const std::string>, Executor&,
             spool::Done<void>) override {}
  void record_attempt(QueueId, std::vector<std::uint32_t>, Executor&, spool::Done<void>) override {}
  void update(QueueId, spool::State, WallTime, spool::Attempts, Executor&,
              spool::Done<void>) override {}
  void remove(QueueId, WallTime, std::uint32_t, Executor&, spool::Done<void>) override {}
  [[nodiscard]] Result<spool::Message> load(QueueId id) const override {
    const auto found = messages.find(id.value);
    if (found == messages.end()) return fail(Fault::not_found);
    return found->second;
  }
  [[nodiscard]] Result<std::string> load_body(QueueId) const override { return std::string(); }
  [[nodiscard]] Result<std::string> load_chunk(QueueId, std::uint32_t) const override {
    return std::string();
  }
  [[nodiscard]] Result<std::vector<spool::Entry>> due(spool::Entry, WallTime,
                                                      std::size_t) const override {
    return std::vector<spool::Entry>();
  }
  [[nodiscard]] Result<std::vector<spool::Message>> list(QueueId after,
                                                         std::size_t limit) const override {
    std::vector<spool::Message> found;
    for (auto it = messages.upper_bound(after.value); it != messages.end(); ++it) {
      if (found.size() < limit) found.push_back(it->second);
    }
    return found;
  }
  [[nodiscard]] spool::Stats stats() const override {
    spool::Stats stats;
    stats.messages = messages.size();
    stats.oldest = kNow - std::chrono::hours(3);
    stats.disk_bytes = 4096;
    return stats;
  }
  [[nodiscard]] QueueId last_id() const override { return {}; }
  [[nodiscard]] std::optional<std::string> broken() const override { return std::nullopt; }
  [[nodiscard]] bool is_suspended() const override { return false; }
  [[nodiscard]] bool is_disk_short() const override { return false; }
};

/// Notes the orders; `answer` is what it says to each.
class NotedOrders final : public QueueControl {
 public:
  std::vector<std::string> orders;
  Result<void> answer;
  QueueId in_delivery;

  [[nodiscard]] bool is_in_delivery(QueueId id) const override { return id == in_delivery; }
  void retry(QueueOrder order, Done done) override { note("retry", order, done); }
  void hold(QueueOrder order, Done done) override { note("hold", order, done); }
  void release(QueueOrder order, Done done) override { note("release", order, done); }
  void bounce(QueueOrder order, Done done) override { note("bounce", order, done); }
  void reroute(QueueOrder order, Done done) override {
    note("reroute to " + order.reroute.to + " by " + order.reroute.pool, order, done);
  }

 private:
  void note(const std::string& what, const QueueOrder& order, Done& done) {
    orders.push_back(what + " " + order.id.to_string() + " (" + order.reason + ") " + order.by);
    done(answer);
  }
};

/// Notes what is to be explained; `answer` is what it says to each.
class NotedQuestions final : public Explanations {
 public:
  std::string asked;
  Result<nlohmann::json> answer = nlohmann::json{{"id", "X"}};

  void explain(QueueId id, Done done) override {
    asked = id.to_string();
    done(answer);
  }
  void explain(Hypothesis hypothesis, Done done) override {
    asked = hypothesis.from + " " + (hypothesis.to.empty() ? "" : hypothesis.to.front()) + " " +
            hypothesis.sender + " " + hypothesis.client;
    done(answer);
  }
};

/// Notes what is ordered; `answer` is what it says to each.
class NotedControl final : public OperatorControl {
 public:
  std::string ordered;
  std::optional<ManyOrder> many;
  Result<nlohmann::json> answer = nlohmann::json{{"done", 1}};

  void suspend(SuspensionOrder order, Done done) override { note("suspend", order, done); }
  void resume(SuspensionOrder order, Done done) override { note("resume", order, done); }
  void suspensions(Done done) override { done(answer); }
  void order_many(ManyOrder order, Done done) override {
    many = std::move(order);
    done(answer);
  }
  void drain(bool drains, std::string, Done done) override {
    ordered = drains ? "drain" : "accept";
    done(answer);
  }
  void settings(Done done) override { done(answer); }
  void maintenance(Done done) override { done(answer); }
  void recent_mail(Done done) override { done(answer); }
  void reload(std::string, Done done) override {
    ordered = "reload";
    done(answer);
  }

 private:
  void note(const std::string& what, const SuspensionOrder& order, Done& done) {
    ordered = what + " " + order.kind + " " + order.value + " (" + order.reason + ") " +
              std::to_string(order.lasts.value_or(std::chrono::seconds(0)).count());
    done(answer);
  }
};

inline spool::Message message(std::uint64_t id, const std::string& reply = {}) {
  spool::Message made;
  made.record.id = QueueId{id};
  made.record.received = kNow - std::chrono::minutes(90);
  made.record.expires = kNow + std::chrono::hours(100);
  made.record.client = "apps";
  made.record.peer = "10.0.0.1";
  made.record.header = "From: a@example.com\r\n";
  made.record.body_size = 2000;
  made.record.envelope.sender = Mailbox{"a", *Domain::parse("example.com")};
  made.record.signed_by = {"s1._domainkey.example.com"};
  const Recipient to{Mailbox{"b", *Domain::parse("example.net")}, {}};
  const spool::RecipientState recipient{to, "default", "default", {}, 1, reply};
  made.state.recipients = {recipient};
  made.state.due = kNow + std::chrono::minutes(5);
  return made;
}

/// Keeps what it hears.
class NotedAnswers final : public Auditor {
 public:
  std::vector<AuditFact> audited;
  int answers = 0;
  void answered(const AuditFact& fact, bool is_audited) override {
    const std::lock_guard lock(mutex_);
    ++answers;
    if (is_audited) audited.push_back(fact);
  }

 private:
  std::mutex mutex_;
};

/// The queue's API on a Unix socket and on a port of loopback.
class ApiFixture : public ::testing::Test {
 protected:
  ApiFixture() {
    queue_api_.add_routes(api_.routes());
    operator_api_.add_routes(api_.routes());
  }
  ~ApiFixture() override { stop(); }
  void serve() {
    auto socket_server = net::HttpServer::open(thread_.loop(), socket(), api_.handler());
    auto port_server =
        net::HttpServer::open(thread_.loop(), *Endpoint::parse("127.0.0.1:0"), api_.handler());
    ASSERT_TRUE(socket_server.has_value() && port_server.has_value());
    socket_server_ = std::move(*socket_server);
    port_server_ = std::move(*port_server);
  }
  void stop() {
    socket_server_.reset();
    port_server_.reset();
  }
  [[nodiscard]] std::filesystem::path socket() const { return directory_ / "signet.sock"; }
  [[nodiscard]] Endpoint endpoint() const { return port_server_->endpoint(); }
  [[nodiscard]] static std::string id(std::uint64_t value) { return QueueId{value}.to_string(); }

  StoredMessages spool_;
  NotedOrders control_;
  NotedQuestions questions_;
  NotedControl operator_control_;
  NotedAnswers answers_;
  Api::Policy policy_;
  FixedClock clock_;
  Api api_{[this] { return policy_; }, answers_, clock_};

  net::LoopThread thread_{"admin-test"};
  net::BlockingPool pool_{1};

 private:
  test::ScratchFolder directory_;
  QueueApi queue_api_{spool_, pool_, control_, clock_};
  OperatorApi operator_api_{questions_, operator_control_};
  std::unique_ptr<net::HttpServer> socket_server_;
  std::unique_ptr<net::HttpServer> port_server_;
};

}  // namespace signet::admin
