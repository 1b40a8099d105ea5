// The queue API, asked by the client of the command line through a real Unix socket.
#include "relay/admin/queue_api.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "relay/admin/queue_client.hpp"
#include "relay/admin/queue_text.hpp"

namespace signet::admin {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const WallTime kNow{std::chrono::milliseconds{1795454607123}};

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
    stats.oldest = kNow - hours(3);
    stats.disk_bytes = 4096;
    return stats;
  }
  [[nodiscard]] QueueId last_id() const override { return {}; }
  [[nodiscard]] std::optional<std::string> broken() const override { return std::nullopt; }
  [[nodiscard]] bool is_disk_short() const override { return false; }
};

/// Notes the orders; `answer` is what it says to each.
class NotedOrders final : public QueueControl {
 public:
  std::vector<std::string> orders;
  Result<void> answer;

  void retry(QueueOrder order, Done done) override { note("retry", order, done); }
  void hold(QueueOrder order, Done done) override { note("hold", order, done); }
  void release(QueueOrder order, Done done) override { note("release", order, done); }
  void bounce(QueueOrder order, Done done) override { note("bounce", order, done); }

 private:
  void note(const std::string& what, const QueueOrder& order, Done& done) {
    orders.push_back(what + " " + order.id.to_string() + " (" + order.reason + ") " + order.by);
    done(answer);
  }
};

spool::Message message(std::uint64_t id, const std::string& reply = {}) {
  spool::Message made;
  made.record.id = QueueId{id};
  made.record.received = kNow - minutes(90);
  made.record.expires = kNow + hours(100);
  made.record.client = "apps";
  made.record.peer = "10.0.0.1";
  made.record.header = "From: a@example.com\r\n";
  made.record.body_size = 2000;
  made.record.envelope.sender = Mailbox{"a", *Domain::parse("example.com")};
  made.record.signed_by = {"s1._domainkey.example.com"};
  const Recipient to{Mailbox{"b", *Domain::parse("example.net")}, {}};
  const spool::RecipientState recipient{to, "default", "default", {}, 1, reply};
  made.state.recipients = {recipient};
  made.state.due = kNow + minutes(5);
  return made;
}

class QueueApiTest : public ::testing::Test {
 protected:
  QueueApiTest() {
    std::string pattern = ::testing::TempDir() + "/admin-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    auto opened = net::HttpServer::open(thread_.loop(), socket(), api_.handler());
    EXPECT_TRUE(opened.has_value());
    server_ = std::move(*opened);
  }
  ~QueueApiTest() override {
    server_.reset();
    std::filesystem::remove_all(directory_);
  }
  [[nodiscard]] std::filesystem::path socket() const { return directory_ / "signet.sock"; }
  Answer get(const std::string& target) { return send("GET", target, ""); }
  Answer send(const std::string& method, const std::string& target, const std::string& body) {
    const auto answer = ask(socket(), method, target, body);
    EXPECT_TRUE(answer.has_value());
    return answer ? *answer : Answer{};
  }
  [[nodiscard]] static std::string id(std::uint64_t value) { return QueueId{value}.to_string(); }

  StoredMessages spool_;
  NotedOrders control_;

 private:
  FixedClock clock_;
  std::filesystem::path directory_;
  net::BlockingPool pool_{1};
  QueueApi api_{spool_, pool_, control_, clock_};
  net::LoopThread thread_{"admin-test"};
  std::unique_ptr<net::HttpServer> server_;
};

TEST_F(QueueApiTest, lists_page_by_page) {
  for (std::uint64_t i = 1; i <= 3; ++i) spool_.messages[i] = message(i, "451 4.7.0 Later");
  const json first = json::parse(get("/v1/queue?limit=2").body);
  ASSERT_EQ(first["messages"].size(), 2U);
  EXPECT_EQ(first["next"], id(2));
  EXPECT_EQ(first["messages"][0]["sender"], "a@example.com");
  EXPECT_EQ(first["messages"][0]["age_seconds"], 5400);
  EXPECT_EQ(first["messages"][0]["due_in_seconds"], 300);
  EXPECT_EQ(first["messages"][0]["last_reply"], "451 4.7.0 Later");
  const json second = json::parse(get("/v1/queue?limit=2&after=" + id(2)).body);
  ASSERT_EQ(second["messages"].size(), 1U);
  EXPECT_EQ(second["messages"][0]["id"], id(3));
  EXPECT_TRUE(second["next"].is_null());
}

TEST_F(QueueApiTest, shows_a_message_without_its_content) {
  spool_.messages[7] = message(7);
  spool_.messages[7].state.hold_reason = "dmarc";
  const Answer answer = get("/v1/queue/" + id(7));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body.find("From:"), std::string::npos);
  const json shown = json::parse(answer.body);
  EXPECT_EQ(shown["status"], "held");
  EXPECT_EQ(shown["hold_reason"], "dmarc");
  EXPECT_EQ(shown["recipients"][0]["address"], "b@example.net");
  EXPECT_EQ(shown["signed_by"][0], "s1._domainkey.example.com");
}

TEST_F(QueueApiTest, tells_the_counts) {
  spool_.messages[1] = message(1);
  const json stats = json::parse(get("/v1/stats").body);
  EXPECT_EQ(stats["messages"], 1);
  EXPECT_EQ(stats["oldest_age_seconds"], 3 * 3600);
  EXPECT_FALSE(stats.contains("oldest_held_age_seconds"));
}

TEST_F(QueueApiTest, passes_orders_on_with_reason_and_operator) {
  const std::string by = "uid " + std::to_string(::getuid());
  for (const std::string action : {"retry", "release"}) {
    EXPECT_EQ(send("POST", "/v1/queue/" + id(5) + "/" + action, "").status, 200);
  }
  EXPECT_EQ(send("POST", "/v1/queue/" + id(5) + "/hold", R"({"reason":"looks odd"})").status, 200);
  EXPECT_EQ(send("POST", "/v1/queue/" + id(5) + "/bounce", "{}").status, 200);
  EXPECT_THAT(control_.orders,
              ElementsAre("retry " + id(5) + " () " + by, "release " + id(5) + " () " + by,
                          "hold " + id(5) + " (looks odd) " + by, "bounce " + id(5) + " () " + by));
}

struct RefusedCase {
  std::string method;
  std::string target;
  std::string body;
  int status;
};

TEST_F(QueueApiTest, refuses_what_it_does_not_understand) {
  const std::vector<RefusedCase> cases{
      {"GET", "/v1/queue/" + id(99), "", 404},
      {"GET", "/v1/queue/short", "", 400},
      {"GET", "/v1/queue?limit=0", "", 400},
      {"GET", "/v1/queue?limit=1001", "", 400},
      {"GET", "/v1/queue?limit=ten", "", 400},
      {"GET", "/v1/queue?after=x", "", 400},
      {"GET", "/v1/", "", 404},
      {"POST", "/v1/queue", "", 404},
      {"GET", "/v1/queue/" + id(1) + "/retry", "", 405},
      {"DELETE", "/v1/queue/" + id(1), "", 405},
      {"POST", "/v1/queue/" + id(1) + "/delete", "", 404},
      {"POST", "/v1/queue/" + id(1), "", 404},
      {"POST", "/v1/queue/" + id(1) + "/hold", "looks odd", 400},
      {"POST", "/v1/queue/" + id(1) + "/hold", R"({"reason":5})", 400},
      {"PUT", "/v1/queue", "", 405},
  };
  for (const RefusedCase& c : cases) {
    EXPECT_EQ(send(c.method, c.target, c.body).status, c.status) << c.method << " " << c.target;
  }
  EXPECT_THAT(control_.orders, ElementsAre());
}

TEST_F(QueueApiTest, a_fault_of_the_control_becomes_a_status_and_words) {
  const std::vector<std::pair<Failure, int>> cases{
      {fail(Fault::not_found), 404},
      {fail(Fault::expired, "secret", "not held"), 409},
      {fail(Fault::spool_failed, "secret"), 503}};
  for (const auto& [failure, status] : cases) {
    control_.answer = failure;
    const Answer answer = send("POST", "/v1/queue/" + id(1) + "/release", "");
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.body.find("secret"), std::string::npos);
    EXPECT_TRUE(json::parse(answer.body)["error"].is_string());
  }
}

TEST_F(QueueApiTest, answers_are_tables_for_people) {
  spool_.messages[1] = message(1, "451 4.7.0 Later");
  spool_.messages[2] = message(2);
  spool_.messages[2].state.hold_reason = "dmarc";
  spool_.messages[2].record.envelope.sender.reset();
  const std::string list = list_text(json::parse(get("/v1/queue?limit=2").body));
  EXPECT_THAT(list, HasSubstr(id(1) + "  queued    90m    2.0 KiB     5m     1  <a@example.com>"));
  EXPECT_THAT(list, HasSubstr("451 4.7.0 Later\n"));
  EXPECT_THAT(list, HasSubstr("<>"));
  EXPECT_THAT(list, HasSubstr("held: dmarc\n"));
  EXPECT_THAT(list, HasSubstr("more: signet queue list --after " + id(2) + "\n"));
  const std::string shown = message_text(json::parse(get("/v1/queue/" + id(1)).body));
  EXPECT_THAT(shown, HasSubstr("recipient     <b@example.net>  queued  route default"));
  EXPECT_THAT(shown, HasSubstr("signed by     s1._domainkey.example.com\n"));
  EXPECT_THAT(stats_text(json::parse(get("/v1/stats").body)), HasSubstr("oldest        3h\n"));
}

TEST(QueueClientTest, says_what_to_do_when_the_relay_is_not_there) {
  const auto answer = ask("/nonexistent/signet.sock", "GET", "/v1/stats", "");
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().fault, Fault::connect_failed);
  EXPECT_THAT(answer.error().detail, HasSubstr("/nonexistent/signet.sock"));
  EXPECT_THAT(answer.error().detail, HasSubstr("is the relay running"));
}

TEST(QueueTextTest, control_characters_do_not_reach_the_terminal) {
  const json list{{"messages", {{{"id", "X"}, {"last_reply", "\x1B[2Jgone"}}}}};
  EXPECT_THAT(list_text(list), HasSubstr("?[2Jgone"));
}

TEST(QueueTextTest, ages_and_sizes_are_short) {
  EXPECT_EQ(age_text(-1), "-");
  EXPECT_EQ(age_text(99), "99s");
  EXPECT_EQ(age_text(100), "1m");
  EXPECT_EQ(age_text(6000), "1h");
  EXPECT_EQ(age_text(48 * 3600), "2d");
  EXPECT_EQ(size_text(1023), "1023 B");
  EXPECT_EQ(size_text(25U << 20U), "25.0 MiB");
}

}  // namespace
}  // namespace signet::admin
