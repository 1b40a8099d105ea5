// The door of the admin API, and what is behind it besides the queue.
#include "relay/admin/api.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <future>
#include <nlohmann/json.hpp>
#include <set>

#include "relay/admin/key_api.hpp"
#include "relay/admin/queue_client.hpp"
#include "relay/admin/state_api.hpp"
#include "relay/net/descriptor.hpp"
#include "tests/unit/admin/api_fixture.hpp"

namespace signet::admin {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Notes what it is told; knows three domains, one of which can't be read.
class NotedKeys final : public KeyControl {
 public:
  std::vector<std::string> orders;
  std::optional<Failure> failure;

  Result<std::vector<Domain>> domains() override {
    std::vector<Domain> all;
    for (const char* name : {"a.example", "b.example", "c.example"})
      all.push_back(*Domain::parse(name));
    return all;
  }
  Result<json> show(const Domain& domain) override {
    if (domain.text() == "b.example") return fail(Fault::key_unavailable, "s1.pem: odd");
    if (domain.text() > "c.example") return fail(Fault::not_found, "no folder");
    return json{{"domain", domain.text()}, {"keys", json::array()}, {"next", nullptr}};
  }
  Result<json> signing(const Domain& domain) override {
    return json{{"domain", domain.text()}, {"signs", true}};
  }
  Result<json> obey(const KeyOrder& order) override {
    if (failure) return *failure;
    orders.push_back(std::to_string(static_cast<int>(order.verb)) + " " + order.domain.text() +
                     " " + order.selector + " " + order.algorithm +
                     (order.unproven ? " unproven" : ""));
    by = order.by;
    return json{{"selector", order.selector}};
  }
  std::string by;
};

class StillState final : public RelayState {
 public:
  [[nodiscard]] json egress() const override { return {{"pools", json::array()}}; }
  [[nodiscard]] json configuration() const override { return {{"generation", 1}}; }
  [[nodiscard]] std::string metrics() const override { return "signet_ready 1\n"; }
  [[nodiscard]] json destinations(const std::string& after, std::size_t limit) const override {
    return {{"after", after}, {"limit", limit}};
  }
};

class ApiTest : public ApiFixture {
 protected:
  ApiTest() {
    key_api_.add_routes(api_.routes());
    state_api_.add_routes(api_.routes());
    policy_.tokens =
        std::make_shared<Tokens>(Tokens::parse(reader_.line + "\n" + writer_.line + "\n").value());
    policy_.requests_per_second = 1000;
    serve();
  }
  ~ApiTest() override { stop(); }

  /// Over TCP; the whole answer.
  std::string tcp(const std::string& method, const std::string& target,
                  const std::string& authorization, const std::string& body = {}) {
    sockaddr_storage storage{};
    const socklen_t length = endpoint().to_sockaddr(storage);
    const net::Descriptor connection(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(connection.get(), reinterpret_cast<const sockaddr*>(&storage), length), 0);
    return say(connection, method, target, authorization, body);
  }
  /// Through the Unix socket; the whole answer.
  std::string local(const std::string& method, const std::string& target,
                    const std::string& authorization) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket().native().copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    const net::Descriptor connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(
        ::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
        0);
    return say(connection, method, target, authorization, {});
  }
  static std::string say(const net::Descriptor& connection, const std::string& method,
                         const std::string& target, const std::string& authorization,
                         const std::string& body) {
    std::string request = method + " " + target +
                          " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
                          "\r\n";
    if (!authorization.empty()) request += "Authorization: " + authorization + "\r\n";
    request += "\r\n" + body;
    EXPECT_EQ(::send(connection.get(), request.data(), request.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(request.size()));
    std::string heard;
    std::array<char, 16384> piece{};
    for (ssize_t got = 0; (got = ::recv(connection.get(), piece.data(), piece.size(), 0)) > 0;)
      heard.append(piece.data(), static_cast<std::size_t>(got));
    return heard;
  }
  static int status_of(const std::string& answer) { return std::stoi(answer.substr(9, 3)); }
  [[nodiscard]] std::string reading() const { return "Bearer " + reader_.token; }
  [[nodiscard]] std::string writing() const { return "Bearer " + writer_.token; }

  NotedKeys keys_;
  StillState state_;
  net::BlockingPool orders_{1};

 private:
  NewToken reader_ = make_token("grafana", Scope::read).value();
  NewToken writer_ = make_token("deploy", Scope::write).value();
  KeyApi key_api_{keys_, pool_, orders_};
  StateApi state_api_{state_, pool_};
};

TEST_F(ApiTest, nobody_gets_in_over_tcp_without_a_token) {
  const std::string hold = "/v1/queue/" + id(1) + "/hold";
  for (const std::string authorization :
       {"", "Bearer", "Bearer wrong", "Basic Z3JhZmFuYTp4", "Bearer deploy"}) {
    for (const Route& route : api_.routes().routes()) {
      const std::string answer =
          tcp(std::string(route.method), std::string(route.path), authorization);
      EXPECT_EQ(status_of(answer), 401) << route.path;
      EXPECT_THAT(answer, HasSubstr("WWW-Authenticate: Bearer realm=\"signet\""));
    }
    for (const std::string path : {"/", "/v1", "/v1/nothing", "/metrics", "/v1/../v1/queue"})
      EXPECT_EQ(status_of(tcp("GET", path, authorization)), 401) << path;
    EXPECT_EQ(status_of(tcp("PUT", hold, authorization)), 401);
  }
  EXPECT_THAT(control_.orders, IsEmpty());
  EXPECT_THAT(keys_.orders, IsEmpty());
}

TEST_F(ApiTest, a_relay_without_tokens_lets_nobody_in_over_tcp) {
  policy_.tokens = nullptr;
  EXPECT_EQ(status_of(tcp("GET", "/v1/queue/stats", reading())), 401);
  policy_.tokens = std::make_shared<Tokens>();
  EXPECT_EQ(status_of(tcp("GET", "/v1/queue/stats", reading())), 401);
}

TEST_F(ApiTest, a_token_that_may_read_changes_nothing) {
  EXPECT_EQ(status_of(tcp("GET", "/v1/queue/stats", reading())), 200);
  for (const Route& route : api_.routes().routes()) {
    if (route.scope == Scope::read) continue;
    EXPECT_EQ(route.method, "POST");
    EXPECT_EQ(status_of(tcp("POST", std::string(route.path), reading())), 403) << route.path;
  }
  EXPECT_THAT(control_.orders, IsEmpty());
  EXPECT_THAT(keys_.orders, IsEmpty());
}

TEST_F(ApiTest, what_only_reads_is_the_only_thing_that_is_a_get) {
  for (const Route& route : api_.routes().routes())
    EXPECT_EQ(route.method == "GET", route.scope == Scope::read) << route.path;
}

TEST_F(ApiTest, a_token_that_may_write_is_named_in_the_order_and_in_the_audit_line) {
  EXPECT_EQ(
      status_of(tcp("POST", "/v1/queue/" + id(1) + "/hold", writing(), R"({"reason":"odd"})")),
      200);
  ASSERT_EQ(control_.orders.size(), 1U);
  EXPECT_THAT(control_.orders[0], HasSubstr("hold " + id(1) + " (odd) token deploy (127.0.0.1:"));
  ASSERT_EQ(answers_.audited.size(), 1U);
  const AuditFact& fact = answers_.audited[0];
  EXPECT_EQ(fact.caller.name, "token deploy");
  EXPECT_THAT(fact.caller.from, HasSubstr("127.0.0.1:"));
  EXPECT_EQ(fact.method + " " + fact.target, "POST /v1/queue/" + id(1) + "/hold");
  EXPECT_EQ(fact.status, 200);
  EXPECT_EQ(fact.detail, "");
}

TEST_F(ApiTest, refused_changes_and_wrong_tokens_are_audited_and_reads_are_not) {
  tcp("GET", "/v1/queue/stats", writing());
  EXPECT_THAT(answers_.audited, IsEmpty());
  tcp("GET", "/v1/queue/stats", "Bearer wrong");
  tcp("POST", "/v1/queue/" + id(1) + "/hold", reading());
  tcp("POST", "/v1/nothing", writing());
  control_.answer = fail(Fault::not_found);
  tcp("POST", "/v1/queue/" + id(1) + "/retry", writing());
  ASSERT_EQ(answers_.audited.size(), 4U);
  EXPECT_EQ(answers_.audited[0].caller.name, "unknown");
  EXPECT_EQ(answers_.audited[1].caller.name, "token grafana");
  std::vector<int> statuses;
  for (const AuditFact& fact : answers_.audited) {
    statuses.push_back(fact.status);
    EXPECT_NE(fact.detail, "");
    EXPECT_THAT(fact.target + fact.detail, Not(HasSubstr("Bearer wrong")));
  }
  EXPECT_THAT(statuses, ElementsAre(401, 403, 404, 404));
}

TEST_F(ApiTest, the_sockets_owner_may_all_and_a_token_shown_there_counts_instead) {
  EXPECT_EQ(ask(socket(), "POST", "/v1/queue/" + id(1) + "/retry", "")->status, 200);
  EXPECT_EQ(answers_.audited.at(0).caller.name, "uid " + std::to_string(::getuid()));
  EXPECT_EQ(answers_.audited.at(0).caller.from, "unix socket");
  const std::string hold = "/v1/queue/" + id(1) + "/hold";
  EXPECT_EQ(status_of(local("POST", hold, reading())), 403);
  EXPECT_EQ(status_of(local("POST", hold, writing())), 200);
  EXPECT_EQ(status_of(local("POST", hold, "Bearer wrong")), 401);
  EXPECT_EQ(answers_.audited.at(2).caller.name, "token deploy");
}

TEST_F(ApiTest, each_token_has_its_rate) {
  policy_.requests_per_second = 2;  // The clock stands.
  EXPECT_EQ(status_of(tcp("GET", "/v1/config", reading())), 200);
  EXPECT_EQ(status_of(tcp("GET", "/v1/config", reading())), 200);
  const std::string refused = tcp("GET", "/v1/config", reading());
  EXPECT_EQ(status_of(refused), 429);
  EXPECT_THAT(refused, HasSubstr("Retry-After: 1\r\n"));
  for (const int expected : {401, 401, 429})
    EXPECT_EQ(status_of(tcp("GET", "/v1/config", "Bearer wrong")), expected);
  EXPECT_EQ(answers_.audited.size(), 2U) << "a flood of wrong tokens does not fill the log";
  EXPECT_EQ(status_of(tcp("GET", "/v1/config", writing())), 200);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(socket(), "GET", "/v1/config", "")->status, 200);
}

TEST_F(ApiTest, problems_are_json_and_say_what_to_do) {
  const std::string big = "{\"reason\":\"" + std::string(70000, 'x') + "\"}";
  const std::vector<std::tuple<std::string, std::string, std::string, int, std::string>> cases{
      {"GET", "/v1/nothing", "", 404, "openapi.json"},
      {"DELETE", "/v1/queue", "", 405, "GET"},
      {"PUT", "/v1/keys/a.example", "", 405, "GET, POST"},
      {"GET", "/v1/config?x=1", "", 400, "it takes none"},
      {"GET", "/v1/%zz", "", 400, "%-escape"},
      {"POST", "/v1/queue/" + id(1) + "/hold", "{", 400, "not a JSON object"},
      {"POST", "/v1/queue/" + id(1) + "/hold", big, 413, "65,536"},
      {"GET", "/v1/keys/..%2f..%2fetc", "", 400, "domain name"},
      {"GET", "/v1/keys/d.example", "", 404, "no folder"},
      {"POST", "/v1/keys/a.example/..%2Fs/publish", "", 400, "selector"},
      {"POST", "/v1/keys/a.example", R"({"selector":"../s"})", 400, "selector"},
      {"POST", "/v1/keys/a.example", R"({"algorithm":"rsa1024"})", 400, "ed25519"},
      {"GET", "/v1/keys?after=..", "", 400, "domain name"},
      {"GET", "/v1/destinations?limit=0", "", 400, "1 to 1000"}};
  for (const auto& [method, target, body, status, words] : cases) {
    const std::string answer = tcp(method, target, writing(), body);
    EXPECT_EQ(status_of(answer), status) << target;
    EXPECT_THAT(answer, HasSubstr("Content-Type: application/problem+json\r\n")) << target;
    const json problem = json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
    EXPECT_EQ(problem["status"], status);
    EXPECT_THAT(problem["detail"].get<std::string>(), HasSubstr(words)) << target;
  }
  EXPECT_THAT(tcp("PUT", "/v1/keys/a.example", writing()), HasSubstr("Allow: GET, POST\r\n"));
  EXPECT_THAT(control_.orders, IsEmpty());
  EXPECT_THAT(keys_.orders, IsEmpty());
}

TEST_F(ApiTest, verbs_of_keys_reach_the_control_as_they_were_given) {
  const auto order = [&](const std::string& target, const std::string& body) {
    EXPECT_EQ(ask(socket(), "POST", "/v1/keys/" + target, body)->status, 200) << target;
  };
  order("A.example", "");
  order("a.example", R"({"selector":"s2","algorithm":"ed25519"})");
  order("a.example/rotate", "");
  order("a.example/s2/publish", "");
  order("a.example/s2/activate", R"({"unproven":true})");
  order("a.example/s2/retire", "{}");
  order("a.example/s2/revoke", "");
  order("a.example/s3/import", R"({"private_key":"-----BEGIN\n"})");
  EXPECT_THAT(keys_.orders,
              ElementsAre("0 a.example  rsa", "0 a.example s2 ed25519", "3 a.example  rsa",
                          "1 a.example s2 rsa", "2 a.example s2 rsa unproven", "4 a.example s2 rsa",
                          "5 a.example s2 rsa", "6 a.example s3 rsa"));
  EXPECT_EQ(keys_.by, "uid " + std::to_string(::getuid()) + " (unix socket)");
}

TEST_F(ApiTest, keys_are_shown_while_an_order_waits_for_the_dns) {
  std::promise<void> answered;
  orders_.post([&] { answered.get_future().wait(); });
  for (const auto* path : {"/v1/keys", "/v1/keys/a.example", "/v1/domains"})
    EXPECT_EQ(status_of(tcp("GET", path, reading())), 200) << path;
  answered.set_value();
}

TEST_F(ApiTest, faults_of_keys_have_a_status_and_the_words_of_the_command_line) {
  const std::vector<std::pair<Failure, int>> cases{
      {fail(Fault::not_found, "no selector s9"), 404},
      {fail(Fault::key_state_wrong, "the DNS does not prove it"), 409},
      {fail(Fault::store_read_only, "mounted read-only"), 409},
      {fail(Fault::publisher_failed, "REFUSED"), 503}};
  for (const auto& [failure, status] : cases) {
    keys_.failure = failure;
    const auto answer = ask(socket(), "POST", "/v1/keys/a.example/s9/publish", "");
    EXPECT_EQ(answer->status, status);
    EXPECT_EQ(json::parse(answer->body)["detail"], failure.error.detail);
    EXPECT_EQ(json::parse(answer->body)["fault"], row(failure.error.fault).name);
  }
}

TEST_F(ApiTest, what_is_not_there_is_told_without_the_place_of_the_store) {
  keys_.failure = fail(Fault::not_found, "/srv/store/nosuch.example: no such folder");
  const auto answer = ask(socket(), "POST", "/v1/keys/nosuch.example/rotate", "");
  EXPECT_EQ(answer->status, 404);
  EXPECT_EQ(json::parse(answer->body)["detail"], "nosuch.example: no such folder");
}

TEST_F(ApiTest, domains_come_in_pages_and_a_broken_one_hides_no_other) {
  const json first = json::parse(ask(socket(), "GET", "/v1/keys?limit=2", "")->body);
  ASSERT_EQ(first["domains"].size(), 2U);
  EXPECT_EQ(first["domains"][1]["problem"], "s1.pem: odd");
  EXPECT_EQ(first["next"], "b.example");
  const json second = json::parse(ask(socket(), "GET", "/v1/keys?after=b.example", "")->body);
  ASSERT_EQ(second["domains"].size(), 1U);
  EXPECT_EQ(second["domains"][0]["domain"], "c.example");
  EXPECT_TRUE(second["next"].is_null());
  EXPECT_EQ(json::parse(ask(socket(), "GET", "/v1/domains?limit=1", "")->body)["next"],
            "a.example");
}

/// "#/components/parameters/limit" of the description.
const json& resolve(const json& description, const json& value) {
  if (!value.contains("$ref")) return value;
  return description.at(json::json_pointer(value["$ref"].get<std::string>().substr(1)));
}

TEST_F(ApiTest, the_description_has_each_route_and_nothing_else) {
  const json description = json::parse(openapi_text());
  std::set<std::string> described;
  for (const auto& [path, methods] : description["paths"].items()) {
    for (const auto& [method, operation] : methods.items()) {
      std::string line = method + " " + path;
      std::set<std::string> names;
      for (const json& parameter : operation.value("parameters", json::array())) {
        const json& resolved = resolve(description, parameter);
        if (resolved["in"] == "query") names.insert(resolved["name"].get<std::string>());
      }
      for (const std::string& name : names) line += " ?" + name;
      names.clear();
      const json body = operation.value("requestBody", json::object());
      if (!body.empty()) {
        for (const auto& [name, schema] :
             body["content"]["application/json"]["schema"]["properties"].items())
          names.insert(name + ":" + schema["type"].get<std::string>());
      }
      for (const std::string& name : names) line += " " + name;
      described.insert(line + (operation.contains("x-scope") ? " write" : " read"));
    }
  }
  std::set<std::string> served;
  for (const Route& route : api_.routes().routes()) {
    std::string line(route.method == "GET" ? "get " : "post ");
    line += route.path;
    std::set<std::string> names(route.parameters.begin(), route.parameters.end());
    for (const std::string& name : names) line += " ?" + name;
    names.clear();
    for (const Member& member : route.members)
      names.insert(std::string(member.name) +
                   (member.kind == Member::Kind::flag ? ":boolean" : ":string"));
    for (const std::string& name : names) line += " " + name;
    served.insert(line + " " + std::string(name_of(route.scope)));
  }
  EXPECT_EQ(described, served);
  EXPECT_GT(served.size(), 20U);
}

}  // namespace
}  // namespace signet::admin
