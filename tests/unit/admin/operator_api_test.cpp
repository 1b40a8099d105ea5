// The operator's API, asked through a real Unix socket.
#include "relay/admin/operator_api.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "relay/admin/queue_client.hpp"
#include "tests/unit/admin/api_fixture.hpp"

namespace signet::admin {
namespace {

using nlohmann::json;

class NotedQuestions final : public Explanations {
 public:
  std::string asked;
  Result<json> answer = json{{"id", "X"}};

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

class OperatorApiTest : public ApiFixture {
 protected:
  OperatorApiTest() { operator_api_.add_routes(api_.routes()); }
  ~OperatorApiTest() override { stop(); }
  void SetUp() override { serve(); }
  Answer ask(std::string_view method, std::string_view target, std::string_view body = {}) {
    auto answer = admin::ask(socket(), method, target, body);
    EXPECT_TRUE(answer.has_value());
    return answer ? *answer : Answer{};
  }

  NotedQuestions questions_;
  OperatorApi operator_api_{questions_};
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
  const json body{
      {"from", "a@b.example"}, {"to", "c@d.example"}, {"sender", "<>"}, {"client", "x"}};
  EXPECT_EQ(ask("POST", "/v1/explain", body.dump()).status, 200);
  EXPECT_EQ(questions_.asked, "a@b.example c@d.example <> x");
}

TEST_F(OperatorApiTest, refuses_a_body_it_does_not_know_and_asks_nothing) {
  for (const char* body : {"[]", "{", R"({"from":1})", R"({"from":"a@b.example","form":"x"})"})
    EXPECT_EQ(ask("POST", "/v1/explain", body).status, 400) << body;
  EXPECT_EQ(questions_.asked, "");
}

TEST_F(OperatorApiTest, says_what_is_wrong_with_a_question) {
  questions_.answer = fail(Fault::bad_parameter, "", "from is not an address: x");
  const Answer answer = ask("POST", "/v1/explain", R"({"from":"x"})");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(json::parse(answer.body)["detail"], "from is not an address: x");
}

}  // namespace
}  // namespace signet::admin
