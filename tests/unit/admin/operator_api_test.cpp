// The operator's API, asked through a real Unix socket.
#include "relay/admin/operator_api.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "relay/admin/queue_client.hpp"

namespace signet::admin {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

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

class OperatorApiTest : public ::testing::Test {
 protected:
  OperatorApiTest() {
    std::string pattern = ::testing::TempDir() + "/operator-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    auto opened =
        net::HttpServer::open(thread_.loop(), directory_ / "sock", [this](net::HttpExchange each) {
          EXPECT_TRUE(OperatorApi::takes(each.request()));
          api_.answer(std::move(each));
        });
    EXPECT_TRUE(opened.has_value());
    server_ = std::move(*opened);
  }
  ~OperatorApiTest() override {
    server_.reset();
    std::filesystem::remove_all(directory_);
  }
  Answer ask(std::string_view method, std::string_view target, std::string_view body = {}) {
    auto answer = admin::ask(directory_ / "sock", method, target, body);
    EXPECT_TRUE(answer.has_value());
    return answer ? *answer : Answer{};
  }

  std::filesystem::path directory_;
  NotedQuestions questions_;
  OperatorApi api_{questions_};
  net::LoopThread thread_{"admin-test"};
  std::unique_ptr<net::HttpServer> server_;
};

TEST_F(OperatorApiTest, explains_a_message_by_its_id) {
  const std::string id = QueueId{77}.to_string();
  EXPECT_EQ(ask("GET", "/v1/queue/" + id + "/explanation").status, 200);
  EXPECT_EQ(questions_.asked, id);
  questions_.answer = fail(Fault::not_found);
  EXPECT_EQ(ask("GET", "/v1/queue/" + id + "/explanation").status, 404);
  EXPECT_EQ(ask("GET", "/v1/queue/what?/explanation").status, 404);
}

TEST_F(OperatorApiTest, explains_a_hypothesis) {
  const json body{{"from", "a@b.example"}, {"to", "c@d.example"}, {"sender", "<>"}, {"client", "x"}};
  EXPECT_EQ(ask("POST", "/v1/explain", body.dump()).status, 200);
  EXPECT_EQ(questions_.asked, "a@b.example c@d.example <> x");
}

TEST_F(OperatorApiTest, refuses_a_body_it_does_not_know_and_asks_nothing) {
  for (const char* body : {"[]", "{", R"({"from":1})", R"({"from":"a@b.example","form":"x"})"}) {
    const Answer answer = ask("POST", "/v1/explain", body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_THAT(answer.body, HasSubstr("error"));
  }
  EXPECT_EQ(questions_.asked, "");
}

}  // namespace
}  // namespace signet::admin
