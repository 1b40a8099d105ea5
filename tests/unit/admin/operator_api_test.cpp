// The operator's API, asked through a real Unix socket.
#include "relay/admin/operator_api.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "relay/admin/explanations.hpp"
#include "relay/admin/queue_client.hpp"
#include "tests/unit/admin/api_fixture.hpp"

namespace signet::admin {
namespace {

using nlohmann::json;

class OperatorApiTest : public ApiFixture {
 protected:
  void SetUp() override { serve(); }
  Answer ask(std::string_view method, std::string_view target, std::string_view body = {}) {
    auto answer = admin::ask(socket(), method, target, body);
    EXPECT_TRUE(answer.has_value());
    return answer ? *answer : Answer{};
  }
};

TEST_F(OperatorApiTest, explains_a_message_by_its_id) {
  EXPECT_EQ(ask("GET", "/v1/queue/" + id(77) + "/explanation").status, 200);
  EXPECT_EQ(questions_.asked, id(77));
  questions_.answer = fail(Fault::not_found);
  EXPECT_EQ(ask("GET", "/v1/queue/" + id(77) + "/explanation").status, 404);
  EXPECT_EQ(ask("GET", "/v1/queue/what/explanation").status, 400);
  EXPECT_EQ(ask("POST", "/v1/queue/" + id(77) + "/explanation").status, 405);
}

TEST_F(OperatorApiTest, explains_a_hypothesis) {
  EXPECT_EQ(ask("GET", "/v1/explain?from=a@b.example&to=c@d.example&sender=%3C%3E&client=x").status,
            200);
  EXPECT_EQ(questions_.asked, "a@b.example c@d.example <> x");
}

TEST_F(OperatorApiTest, refuses_parameters_it_does_not_know_and_asks_nothing) {
  for (const char* query : {"form=a@b.example", "from=a@b.example&from=c@d.example", "from=%zz"})
    EXPECT_EQ(ask("GET", std::string("/v1/explain?") + query).status, 400) << query;
  EXPECT_EQ(ask("POST", "/v1/explain", R"({"from":"a@b.example"})").status, 405);
  EXPECT_EQ(questions_.asked, "");
}

TEST_F(OperatorApiTest, says_what_is_wrong_with_a_question) {
  questions_.answer = fail(Fault::bad_parameter, "", "from is not an address: x");
  const Answer answer = ask("GET", "/v1/explain?from=x");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(json::parse(answer.body)["detail"], "from is not an address: x");
}

TEST_F(OperatorApiTest, suspends_and_resumes) {
  EXPECT_EQ(ask("POST", "/v1/suspensions",
                R"({"kind":"client","value":"apps","reason":"a flood","for":"2h"})")
                .status,
            200);
  EXPECT_EQ(operator_control_.ordered, "suspend client apps (a flood) 7200");
  EXPECT_EQ(ask("POST", "/v1/suspensions/resume", R"({"kind":"client","value":"apps"})").status,
            200);
  EXPECT_EQ(operator_control_.ordered, "resume client apps () 0");
  operator_control_.answer = fail(Fault::not_found);
  EXPECT_EQ(ask("POST", "/v1/suspensions/resume", R"({"kind":"client","value":"x"})").status, 404);
}

TEST_F(OperatorApiTest, refuses_a_suspension_for_no_time) {
  for (const char* lasts : {"", "soon", "0s", "10ms", "-1h", "3651d", "9223372036854775807d"}) {
    const json body{{"kind", "client"}, {"value", "apps"}, {"for", lasts}};
    const Answer answer = ask("POST", "/v1/suspensions", body.dump());
    EXPECT_EQ(answer.status, 400) << lasts;
    EXPECT_THAT(answer.body, ::testing::HasSubstr("from 1s to 3650d")) << lasts;
  }
  EXPECT_EQ(operator_control_.ordered, "");
  for (const auto& [lasts, seconds] : {std::pair("1s", "1"), std::pair("3650d", "315360000")}) {
    const json body{{"kind", "client"}, {"value", "apps"}, {"for", lasts}};
    EXPECT_EQ(ask("POST", "/v1/suspensions", body.dump()).status, 200) << lasts;
    EXPECT_EQ(operator_control_.ordered, std::string("suspend client apps () ") + seconds);
  }
}

TEST_F(OperatorApiTest, hands_on_an_order_with_its_filter) {
  EXPECT_EQ(ask("POST", "/v1/queue/orders",
                R"({"order":"hold","dry_run":true,"recipient_domain":"example.net",)"
                R"("older_than":"60","reason":"why"})")
                .status,
            200);
  ASSERT_TRUE(operator_control_.many.has_value());
  EXPECT_EQ(operator_control_.many->action, ManyAction::hold);
  EXPECT_TRUE(operator_control_.many->dry_run);
  EXPECT_EQ(operator_control_.many->filter.recipient_domain, Domain::parse("example.net").value());
  EXPECT_EQ(operator_control_.many->filter.older_than, std::chrono::seconds(60));
  EXPECT_EQ(operator_control_.many->reason, "why");
}

TEST_F(OperatorApiTest, hands_on_another_way_for_what_the_filter_says_of_recipients) {
  EXPECT_EQ(ask("POST", "/v1/queue/orders",
                R"({"order":"reroute","to":"backup","to_pool":"bulk",)"
                R"("recipient_domain":"example.net"})")
                .status,
            200);
  ASSERT_TRUE(operator_control_.many.has_value());
  EXPECT_EQ(operator_control_.many->action, ManyAction::reroute);
  const Reroute& way = operator_control_.many->reroute;
  EXPECT_EQ(way.to, "backup");
  EXPECT_EQ(way.pool, "bulk");
  EXPECT_EQ(operator_control_.many->filter.recipient_domain, Domain::parse("example.net").value());
}

TEST_F(OperatorApiTest, refuses_another_way_for_an_order_that_would_not_take_it) {
  for (const char* order : {"retry", "hold", "release", "bounce"}) {
    for (const char* way : {"to", "to_pool"}) {
      const json body{{"order", order}, {"all", true}, {way, "backup"}};
      const Answer answer = ask("POST", "/v1/queue/orders", body.dump());
      EXPECT_EQ(answer.status, 400) << order << way;
      EXPECT_THAT(answer.body, ::testing::HasSubstr("reroute only")) << order << way;
    }
  }
  EXPECT_FALSE(operator_control_.many.has_value());
}

TEST_F(OperatorApiTest, a_further_part_begins_and_ends_where_it_is_told) {
  EXPECT_EQ(ask("POST", "/v1/queue/orders",
                R"({"order":"hold","all":true,"after":"00000000001","until":"0000000000Z"})")
                .status,
            200);
  ASSERT_TRUE(operator_control_.many.has_value());
  EXPECT_EQ(operator_control_.many->after, QueueId::parse("00000000001").value());
  EXPECT_EQ(operator_control_.many->until, QueueId::parse("0000000000Z").value());
}

TEST_F(OperatorApiTest, refuses_an_order_it_does_not_understand) {
  for (const char* body :
       {"{}", R"({"order":"explode"})", R"({"order":"hold","older_than":"soon"})",
        R"({"order":"hold","all":true,"after":"?"})", R"({"order":"hold","all":true,"until":"?"})",
        R"({"order":"hold","recipient_domain":"a b"})", R"({"order":"hold","moon":"full"})"})
    EXPECT_EQ(ask("POST", "/v1/queue/orders", body).status, 400) << body;
  EXPECT_FALSE(operator_control_.many.has_value());
}

TEST_F(OperatorApiTest, refuses_an_order_to_all_that_does_not_say_so) {
  for (const char* body :
       {R"({"order":"bounce"})", R"({"order":"bounce","all":false})",
        R"({"order":"bounce","recipient_domain":""})", R"({"order":"bounce","client":""})",
        R"({"order":"bounce","recipient_domain":"","status":"queued"})"})
    EXPECT_EQ(ask("POST", "/v1/queue/orders", body).status, 400) << body;
  EXPECT_FALSE(operator_control_.many.has_value());
  EXPECT_EQ(ask("POST", "/v1/queue/orders", R"({"order":"bounce","all":true})").status, 200);
  ASSERT_TRUE(operator_control_.many.has_value());
  EXPECT_EQ(operator_control_.many->filter, QueueFilter{});
}

TEST_F(OperatorApiTest, reloads_and_says_why_it_does_not) {
  EXPECT_EQ(ask("GET", "/v1/config/reload").status, 405);
  EXPECT_EQ(operator_control_.ordered, "");
  EXPECT_EQ(ask("POST", "/v1/config/reload").status, 200);
  EXPECT_EQ(operator_control_.ordered, "reload");
  operator_control_.answer = fail(Fault::configuration, "", "The old configuration stays: x");
  const Answer refused = ask("POST", "/v1/config/reload");
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(json::parse(refused.body)["detail"], "The old configuration stays: x");
  operator_control_.answer = json{{"mail", json::array()}};
  EXPECT_EQ(ask("GET", "/v1/mail/recent").status, 200);
  EXPECT_EQ(ask("POST", "/v1/mail/recent").status, 405);
}

TEST_F(OperatorApiTest, drains_and_accepts_again) {
  EXPECT_EQ(ask("POST", "/v1/maintenance", R"({"draining":true})").status, 200);
  EXPECT_EQ(operator_control_.ordered, "drain");
  EXPECT_EQ(ask("POST", "/v1/maintenance", R"({"draining":false})").status, 200);
  EXPECT_EQ(operator_control_.ordered, "accept");
  EXPECT_EQ(ask("GET", "/v1/maintenance").status, 200);
}

TEST_F(OperatorApiTest, does_not_end_draining_unless_it_is_said) {
  EXPECT_EQ(ask("POST", "/v1/maintenance").status, 400);
  EXPECT_EQ(ask("POST", "/v1/maintenance", "{}").status, 400);
  EXPECT_EQ(operator_control_.ordered, "");
}

TEST(ExplanationTextTest, says_which_order_was_given_and_by_whom) {
  const json fact{{"time", "2026-01-02T03:04:05Z"},
                  {"event", "order"},
                  {"order", "hold"},
                  {"by", "uid 1000"},
                  {"reason", "looks odd"}};
  EXPECT_THAT(explanation_text({{"facts", json::array({fact})}}),
              ::testing::HasSubstr("order hold, by uid 1000, reason looks odd"));
}

}  // namespace
}  // namespace signet::admin
