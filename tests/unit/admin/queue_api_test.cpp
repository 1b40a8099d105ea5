// The queue API, asked by the client of the command line through a real Unix socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "relay/admin/queue_client.hpp"
#include "relay/admin/queue_text.hpp"
#include "tests/unit/admin/api_fixture.hpp"

namespace signet::admin {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class QueueApiTest : public ApiFixture {
 protected:
  QueueApiTest() { serve(); }
  Answer get(const std::string& target) { return send("GET", target, ""); }
  Answer send(const std::string& method, const std::string& target, const std::string& body) {
    const auto answer = ask(socket(), method, target, body);
    EXPECT_TRUE(answer.has_value());
    return answer ? *answer : Answer{};
  }
  /// What `signet queue list` prints; `status` is how it ends.
  std::string command(const std::string& options, int& status) {
    CLI::App app;
    add_queue_commands(app, status);
    ::testing::internal::CaptureStdout();
    app.parse("queue list --socket " + socket().string() + " " + options);
    std::fflush(stdout);
    return ::testing::internal::GetCapturedStdout();
  }
  /// Ids of a list, then what follows.
  std::string listed(const std::string& query) {
    const json list = json::parse(get("/v1/queue?" + query).body);
    std::string ids;
    for (const json& row : list["messages"]) ids += row["id"].get<std::string>() + " ";
    return ids + (list["next"].is_null() ? "end" : list["next"].get<std::string>());
  }
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

TEST_F(QueueApiTest, lists_what_the_filter_matches) {
  for (std::uint64_t i = 1; i <= 6; ++i) spool_.messages[i] = message(i);
  spool_.messages[2].state.hold_reason = "dmarc";
  spool_.messages[3].record.client = "lists";
  spool_.messages[4].record.author_domain = "example.com";
  spool_.messages[4].record.envelope.sender.reset();
  spool_.messages[5].state.recipients[0].status = spool::RecipientStatus::delivered;
  spool_.messages[6].record.received = kNow - std::chrono::hours(5);
  spool_.messages[6].state.recipients[0].route = "partners";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"status=held", id(2) + " end"},
      {"status=queued&limit=2", id(1) + " " + id(3) + " " + id(3)},
      {"client=lists", id(3) + " end"},
      {"client=nobody", "end"},
      {"author_domain=EXAMPLE.com", id(4) + " end"},
      {"sender_domain=example.com&status=held", id(2) + " end"},
      {"recipient_domain=example.net&client=apps&after=" + id(2), id(4) + " " + id(6) + " end"},
      {"route=partners", id(6) + " end"},
      {"pool=default&route=default&after=" + id(4), "end"},
      {"older_than=7200", id(6) + " end"}};
  for (const auto& [query, expected] : cases) EXPECT_EQ(listed(query), expected) << query;
}

TEST_F(QueueApiTest, a_search_that_takes_long_goes_on_with_the_next_request) {
  for (std::uint64_t i = 1; i <= 10500; ++i) spool_.messages[i] = message(i);
  spool_.messages[10400].record.client = "lists";
  EXPECT_EQ(listed("client=lists"), id(10000));
  EXPECT_EQ(listed("client=lists&after=" + id(10000)), id(10400) + " end");
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
  EXPECT_FALSE(shown["recipients"][0].contains("rerouted_to"));
  spool_.messages[7].state.recipients[0].rerouted_to = "route backup";
  EXPECT_EQ(json::parse(get("/v1/queue/" + id(7)).body)["recipients"][0]["rerouted_to"],
            "route backup");
}

TEST_F(QueueApiTest, tells_what_is_in_delivery) {
  spool_.messages[1] = message(1);
  spool_.messages[2] = message(2);
  control_.in_delivery = QueueId{2};
  const json list = json::parse(get("/v1/queue").body);
  EXPECT_EQ(list["messages"][0]["in_delivery"], false);
  EXPECT_EQ(list["messages"][1]["in_delivery"], true);
  EXPECT_THAT(list_text(list), HasSubstr(id(2) + "  active "));
  const json shown = json::parse(get("/v1/queue/" + id(2)).body);
  EXPECT_EQ(shown["in_delivery"], true);
  EXPECT_THAT(message_text(shown), HasSubstr("queued, in delivery\n"));
}

TEST_F(QueueApiTest, tells_the_counts) {
  spool_.messages[1] = message(1);
  const json stats = json::parse(get("/v1/queue/stats").body);
  EXPECT_EQ(stats["messages"], 1);
  EXPECT_EQ(stats["oldest_age_seconds"], 3 * 3600);
  EXPECT_FALSE(stats.contains("oldest_held_age_seconds"));
}

TEST_F(QueueApiTest, passes_orders_on_with_reason_and_operator) {
  const std::string by = "uid " + std::to_string(::getuid()) + " (unix socket)";
  for (const std::string action : {"retry", "release"}) {
    EXPECT_EQ(send("POST", "/v1/queue/" + id(5) + "/" + action, "").status, 200);
  }
  EXPECT_EQ(send("POST", "/v1/queue/" + id(5) + "/hold", R"({"reason":"looks odd"})").status, 200);
  EXPECT_EQ(send("POST", "/v1/queue/" + id(5) + "/bounce", "{}").status, 200);
  EXPECT_EQ(send("POST", "/v1/queue/" + id(5) + "/reroute", R"({"to":"backup"})").status, 200);
  EXPECT_THAT(control_.orders,
              ElementsAre("retry " + id(5) + " () " + by, "release " + id(5) + " () " + by,
                          "hold " + id(5) + " (looks odd) " + by, "bounce " + id(5) + " () " + by,
                          "reroute to backup by  " + id(5) + " () " + by));
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
      {"GET", "/v1/", "", 400},
      {"POST", "/v1/queue", "", 405},
      {"GET", "/v1/queue?limit=1&limit=2", "", 400},
      {"GET", "/v1/queue?lmit=1", "", 400},
      {"GET", "/v1/queue?status=lost", "", 400},
      {"GET", "/v1/queue?client=", "", 400},
      {"GET", "/v1/queue?older_than=-1", "", 400},
      {"GET", "/v1/queue?sender_domain=..", "", 400},
      {"GET", "/v1/queue/..%2F..%2Fetc%2Fpasswd", "", 400},
      {"GET", "/v1/queue", "{}", 400},
      {"GET", "/v1/queue/" + id(1) + "/retry", "", 405},
      {"DELETE", "/v1/queue/" + id(1), "", 405},
      {"POST", "/v1/queue/" + id(1) + "/delete", "", 404},
      {"POST", "/v1/queue/" + id(1), "", 405},
      {"POST", "/v1/queue/" + id(1) + "/retry", R"({"reason":"x"})", 400},
      {"POST", "/v1/queue/" + id(1) + "/hold", R"({"reasons":"x"})", 400},
      {"POST", "/v1/queue/" + id(1) + "/hold?reason=x", "", 400},
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
    EXPECT_TRUE(json::parse(answer.body)["detail"].is_string());
  }
}

TEST_F(QueueApiTest, the_command_lists_what_is_far_behind_mail_that_is_not_meant) {
  for (std::uint64_t i = 1; i <= 20500; ++i) spool_.messages[i] = message(i);
  for (const std::uint64_t i : {7U, 10200U, 20400U}) spool_.messages[i].record.client = "lists";
  int status = -1;
  const std::string all = command("--client lists", status);
  for (const std::uint64_t i : {7U, 10200U, 20400U})
    EXPECT_THAT(all, HasSubstr(id(i) + "  queued"));
  EXPECT_THAT(all, Not(HasSubstr("more:")));
  EXPECT_EQ(status, 0);
  const json some = json::parse(command("--client lists --limit 2 --json", status));
  ASSERT_EQ(some["messages"].size(), 2U);
  EXPECT_EQ(some["messages"][1]["id"], id(10200));
  EXPECT_EQ(some["next"], id(10200));
  const json rest = json::parse(command("--client lists --json --after " + id(10200), status));
  ASSERT_EQ(rest["messages"].size(), 1U);
  EXPECT_TRUE(rest["next"].is_null());
  EXPECT_EQ(command("--client nobody", status), "no message\n");
  EXPECT_EQ(status, 0);
}

TEST_F(QueueApiTest, what_lists_more_has_the_conditions_of_the_first) {
  for (std::uint64_t i = 1; i <= 3; ++i) spool_.messages[i] = message(i);
  for (const std::uint64_t i : {1U, 3U}) spool_.messages[i].record.client = "it's mine";
  int status = -1;
  const std::string first =
      command(R"(--client "it's mine" --to-domain=example.net --older-than 2m --limit 1)", status);
  const std::string words = "--socket=" + socket().string() +
                            R"( --limit=1 --to-domain=example.net --client='it'\''s mine')"
                            " --older-than=2m --after=" +
                            id(1);
  EXPECT_THAT(first, HasSubstr("more: signet queue list " + words + "\n"));
  EXPECT_THAT(first, Not(HasSubstr(id(3))));
  const std::string second = command(
      R"(--limit=1 --to-domain=example.net --client="it's mine" --older-than=2m --after=)" + id(1),
      status);
  EXPECT_THAT(second, HasSubstr(id(3) + "  queued"));
}

TEST_F(QueueApiTest, a_list_that_is_refused_is_no_list) {
  int status = -1;
  EXPECT_EQ(command("--status moved", status), "");
  EXPECT_EQ(status, 1);
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
  const std::string shown = message_text(json::parse(get("/v1/queue/" + id(1)).body));
  EXPECT_THAT(shown, HasSubstr("recipient     <b@example.net>  queued  route default"));
  EXPECT_THAT(shown, HasSubstr("signed by     s1._domainkey.example.com\n"));
  EXPECT_THAT(stats_text(json::parse(get("/v1/queue/stats").body)),
              HasSubstr("oldest        3h\n"));
}

TEST(QueueClientTest, says_what_to_do_when_the_relay_is_not_there) {
  const auto answer = ask("/nonexistent/signet.sock", "GET", "/v1/queue/stats", "");
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().fault, Fault::connect_failed);
  EXPECT_THAT(answer.error().detail, HasSubstr("/nonexistent/signet.sock"));
  EXPECT_THAT(answer.error().detail, HasSubstr("is the relay running"));
}

TEST(QueueTextTest, control_characters_do_not_reach_the_terminal) {
  const json list{{"messages", {{{"id", "X"}, {"last_reply", "\x1B[2Jgone"}}}}};
  EXPECT_THAT(list_text(list), HasSubstr("?[2Jgone"));
  const json turned{
      {"messages", {{{"id", "X"}, {"last_reply", "\u009b31m \u202egone\u2066 \u00e4"}}}}};
  EXPECT_THAT(list_text(turned), HasSubstr("?31m ?gone? \u00e4"));
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
