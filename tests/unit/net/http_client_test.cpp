#include "relay/net/http_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <optional>

#include "relay/net/http_server.hpp"

namespace signet::net {
namespace {

using ::testing::HasSubstr;

TEST(HttpUrlTest, takes_a_url_apart) {
  struct Case {
    const char* text;
    bool tls;
    const char* host;
    std::uint16_t port;
    const char* target;
    const char* authority;
  };
  for (const auto& [text, tls, host, port, target, authority] :
       {Case{"https://events.example.com", true, "events.example.com", 443, "/",
             "events.example.com"},
        Case{"http://a.example:8080/x/y?z=1", false, "a.example", 8080, "/x/y?z=1",
             "a.example:8080"},
        Case{"http://[::1]:80/", false, "::1", 80, "/", "[::1]"},
        Case{"https://192.0.2.1:80/p", true, "192.0.2.1", 80, "/p", "192.0.2.1:80"}}) {
    const auto url = HttpUrl::parse(text);
    ASSERT_TRUE(url) << text << ": " << url.error().detail;
    EXPECT_EQ(url->tls, tls) << text;
    EXPECT_EQ(url->host, host) << text;
    EXPECT_EQ(url->port, port) << text;
    EXPECT_EQ(url->target, target) << text;
    EXPECT_EQ(url->authority(), authority) << text;
  }
}

TEST(HttpUrlTest, refuses_what_is_no_address_of_a_receiver) {
  for (const char* text :
       {"", "events.example.com", "ftp://a.example/", "https://", "https:///path",
        "https://user@a.example/", "https://a.example/#part", "https://a.example:0/",
        "https://a.example:70000/", "https://a b.example/", "https://a.example/\r\nX: y"}) {
    const auto url = HttpUrl::parse(text);
    EXPECT_FALSE(url) << text;
    if (!url) EXPECT_EQ(url.error().fault, Fault::configuration) << text;
  }
}

TEST(HttpUrlTest, knows_loopback) {
  EXPECT_TRUE(HttpUrl::parse("http://127.0.0.5/")->is_loopback());
  EXPECT_TRUE(HttpUrl::parse("http://[::1]/")->is_loopback());
  EXPECT_TRUE(HttpUrl::parse("http://localhost/")->is_loopback());
  EXPECT_FALSE(HttpUrl::parse("http://localhost.example/")->is_loopback());
  EXPECT_FALSE(HttpUrl::parse("http://192.0.2.1/")->is_loopback());
}

class HttpClientTest : public ::testing::Test {
 protected:
  ~HttpClientTest() override {
    server_.reset();
    on_loop([this] {
      tasks_.clear();
      client_.reset();
    });
  }
  void serve(HttpServer::Handler handler) {
    server_ = *HttpServer::open(server_thread_.loop(), *Endpoint::parse("127.0.0.1:0"),
                                std::move(handler));
  }
  Result<HttpAnswer> post(HttpPost request, std::chrono::milliseconds timeout) {
    std::promise<Result<HttpAnswer>> answered;
    on_loop([&] {
      if (!client_) client_.emplace(thread_.loop());
      tasks_.spawn(ask(std::move(request), timeout, answered));
    });
    return answered.get_future().get();
  }
  Result<HttpAnswer> post(const std::string& text) {
    return post({.url = *HttpUrl::parse(text), .tls = {}, .fields = {}, .body = "hello"},
                std::chrono::seconds(20));
  }
  std::string place(const std::string& path = "/") const {
    return "http://" + server_->endpoint().to_string() + path;
  }
  void on_loop(std::function<void()> work) {
    std::promise<void> done;
    thread_.loop().post([&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  LoopThread server_thread_{"server"};
  LoopThread thread_{"client"};
  std::unique_ptr<HttpServer> server_;
  TaskScope tasks_;
  std::optional<HttpClient> client_;

 private:
  Task<void> ask(HttpPost request, std::chrono::milliseconds timeout,
                 std::promise<Result<HttpAnswer>>& answered) {
    answered.set_value(co_await client_->post(std::move(request), timeout));
  }
};

TEST_F(HttpClientTest, hands_over_body_and_fields_and_hears_the_status) {
  HttpRequest seen;
  serve(at_once([&](const HttpRequest& request) {
    seen = request;
    return HttpResponse{.status = 202, .body = "thanks"};
  }));
  const auto answer = post({.url = *HttpUrl::parse(place("/in?a=b")),
                            .tls = {},
                            .fields = {{"Authorization", "Bearer xyz"}},
                            .body = std::string(500'000, 'b')},
                           std::chrono::seconds(20));
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->status, 202);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/in?a=b");
  EXPECT_EQ(seen.authorization, "Bearer xyz");
  EXPECT_EQ(seen.body.size(), 500'000U);
}

TEST_F(HttpClientTest, hears_how_long_to_wait) {
  serve(at_once([](const HttpRequest&) {
    return HttpResponse{.status = 503, .body = "", .fields = {{"Retry-After", "7"}}};
  }));
  const auto answer = post(place());
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->retry_after, std::chrono::seconds(7));
}

TEST_F(HttpClientTest, gives_up_at_the_timeout_and_can_ask_again) {
  std::vector<HttpExchange> kept;
  serve([&](HttpExchange exchange) { kept.push_back(std::move(exchange)); });
  const auto answer = post({.url = *HttpUrl::parse(place()), .tls = {}, .fields = {}, .body = "x"},
                           std::chrono::milliseconds(100));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().fault, Fault::timed_out);
  serve(at_once([](const HttpRequest&) { return HttpResponse{.body = "ok"}; }));
  EXPECT_TRUE(post(place()));
}

TEST_F(HttpClientTest, says_why_nobody_answers) {
  serve(at_once([](const HttpRequest&) { return HttpResponse{.body = ""}; }));
  const std::string gone = place();
  server_.reset();
  const auto refused = post(gone);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::connect_failed);
  EXPECT_THAT(refused.error().detail, HasSubstr("no connection"));
}

TEST_F(HttpClientTest, forgets_a_request_whose_task_ends) {
  std::promise<void> asked;
  std::vector<HttpExchange> kept;
  serve([&](HttpExchange exchange) {
    kept.push_back(std::move(exchange));
    asked.set_value();
  });
  const auto forever = [](HttpClient& client, HttpPost request) -> Task<void> {
    (void)co_await client.post(std::move(request), std::chrono::hours(1));
  };
  on_loop([&] {
    client_.emplace(thread_.loop());
    tasks_.spawn(
        forever(*client_, {.url = *HttpUrl::parse(place()), .tls = {}, .fields = {}, .body = "x"}));
  });
  asked.get_future().wait();
  on_loop([&] { tasks_.clear(); });
}

}  // namespace
}  // namespace signet::net
