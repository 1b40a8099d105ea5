#include "relay/net/http_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <vector>

#include "relay/net/descriptor.hpp"
#include "tests/support/scratch_folder.hpp"

namespace signet::net {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const Endpoint kAnyPort = *Endpoint::parse("127.0.0.1:0");

/// A blocking client: what it says, and all it hears until the end of the stream.
class Client {
 public:
  explicit Client(const Endpoint& server) {
    sockaddr_storage storage{};
    const socklen_t length = server.to_sockaddr(storage);
    connect(reinterpret_cast<const sockaddr*>(&storage), length, storage.ss_family);
  }
  explicit Client(const std::filesystem::path& socket) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket.native().copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    connect(reinterpret_cast<const sockaddr*>(&address), sizeof address, AF_UNIX);
  }
  void say(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // The server has heard enough.
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  std::string hear() {
    std::string heard;
    std::array<char, 4096> piece{};
    for (ssize_t size = 0; (size = ::read(socket_.get(), piece.data(), piece.size())) > 0;) {
      heard.append(piece.data(), static_cast<std::size_t>(size));
    }
    return heard;
  }
  std::string ask(std::string_view text) {
    say(text);
    return hear();
  }

 private:
  void connect(const sockaddr* address, socklen_t length, int family) {
    socket_ = Descriptor(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(socket_.get(), address, length), 0) << strerror(errno);
  }
  Descriptor socket_;
};

HttpResponse echo(const HttpRequest& request) {
  return {200, "text/plain", request.method + " " + request.path + " " + request.body};
}

class HttpServerTest : public ::testing::Test {
 protected:
  std::unique_ptr<HttpServer> open(HttpServer::Handler handler, HttpLimits limits = {},
                                   const HttpServer::Place& place = kAnyPort) {
    auto server = HttpServer::open(thread_.loop(), place, std::move(handler), limits);
    EXPECT_TRUE(server.has_value());
    return std::move(*server);
  }
  /// Until the loop has seen what clients did, and has done what that made it do next.
  void turn() {
    for (int turns = 0; turns < 3; ++turns) {
      std::promise<void> turned;
      thread_.loop().post([&] { thread_.loop().post([&] { turned.set_value(); }); });
      turned.get_future().wait();
    }
  }
  LoopThread thread_{"http-test"};
};

TEST_F(HttpServerTest, answers_one_request_and_closes) {
  const auto server = open(at_once(&echo));
  const std::string answer =
      Client(server->endpoint()).ask("GET /a%20path HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain\r\n"));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nGET /a path "));
}

TEST_F(HttpServerTest, hands_over_body_and_authorization) {
  const auto server = open(at_once([](const HttpRequest& request) {
    return HttpResponse{
        202, "text/plain",
        request.authorization + "|" + request.body + "|" + request.peer.address.to_string()};
  }));
  EXPECT_THAT(Client(server->endpoint())
                  .ask("POST /x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\n"
                       "Content-Length: 4\r\n\r\nbody"),
              AllOf(StartsWith("HTTP/1.1 202"), EndsWith("Bearer t|body|127.0.0.1")));
}

struct RefusedCase {
  std::string request;
  std::string status;
};

TEST_F(HttpServerTest, refuses_what_is_too_much_or_not_spoken_here) {
  const auto server = open(at_once(&echo));
  const std::vector<RefusedCase> cases{
      {"OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405"},
      {"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405"},
      {"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405"},
      {"GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(20000, 'x') + "\r\n\r\n", "HTTP/1.1 431"},
      {"GET /" + std::string(20000, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 431"},
      {"GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(80000, 'x') + "\r\n\r\n", "HTTP/1.1 400"},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n", "HTTP/1.1 413"},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\ncontent-length: 3\r\n\r\n{}x",
       "HTTP/1.1 400"},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
       "HTTP/1.1 200"},
      {"nonsense\r\n\r\n", ""},
  };
  for (const RefusedCase& c : cases) {
    EXPECT_THAT(Client(server->endpoint()).ask(c.request), StartsWith(c.status))
        << c.request.substr(0, 60);
  }
}

TEST_F(HttpServerTest, an_answer_to_head_has_the_length_of_a_body_and_no_body) {
  const auto server = open(at_once(&echo));
  const std::string answer =
      Client(server->endpoint()).ask("HEAD /path HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 11\r\n"));  // "HEAD /path "
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_F(HttpServerTest, the_connection_ends_after_the_answer_to_connect) {
  HttpLimits limits;
  limits.time = std::chrono::hours(1);
  const auto server = open(at_once(&echo), limits);
  Client client(server->endpoint());
  const std::string answer = client.ask("CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 31\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nthis method means nothing here\n"));
}

TEST_F(HttpServerTest, hands_over_the_target_as_sent_and_sends_the_fields_given) {
  const auto server = open(at_once([](const HttpRequest& request) {
    return HttpResponse{200, "text/plain", request.method + " " + request.target, {{"X-A", "b"}}};
  }));
  const std::string answer =
      Client(server->endpoint())
          .ask("PUT /a%2F..%2Fb?x=%31 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("X-A: b\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nPUT /a%2F..%2Fb?x=%31"));
}

TEST_F(HttpServerTest, answers_later_from_another_thread) {
  BlockingPool pool(1);
  const auto server = open([&](HttpExchange exchange) {
    pool.post([exchange = std::move(exchange)]() mutable {
      exchange.respond({200, "text/plain", "later: " + exchange.request().path});
    });
  });
  EXPECT_THAT(Client(server->endpoint()).ask("GET /x HTTP/1.1\r\nHost: x\r\n\r\n"),
              EndsWith("later: /x"));
}

TEST_F(HttpServerTest, a_dropped_exchange_is_answered_500) {
  const auto server = open([](const HttpExchange&) {});
  EXPECT_THAT(Client(server->endpoint()).ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
              StartsWith("HTTP/1.1 500"));
}

TEST_F(HttpServerTest, an_exchange_may_outlive_its_server) {
  std::promise<HttpExchange> asked;
  auto server = open([&](HttpExchange exchange) { asked.set_value(std::move(exchange)); });
  Client client(server->endpoint());
  client.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  HttpExchange exchange = asked.get_future().get();
  server.reset();
  exchange.respond({});
  EXPECT_EQ(client.hear(), "");
}

TEST_F(HttpServerTest, a_client_that_leaves_early_harms_nobody) {
  std::promise<HttpExchange> asked;
  const auto server = open([&](HttpExchange exchange) { asked.set_value(std::move(exchange)); });
  {
    Client client(server->endpoint());
    client.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    client.say("more");
  }
  asked.get_future().get().respond({200, "text/plain", std::string(1U << 20U, 'x')});
}

TEST_F(HttpServerTest, cuts_off_a_request_that_takes_too_long) {
  HttpLimits limits;
  limits.time = std::chrono::milliseconds(50);
  const auto server = open(at_once(&echo), limits);
  Client slow(server->endpoint());
  slow.say("GET / HTTP/1.1\r\nHost: ");
  const std::string heard = slow.hear();
  EXPECT_THAT(heard, StartsWith("HTTP/1.1 408 "));
  const std::string body = heard.substr(heard.find("\r\n\r\n") + 4);
  EXPECT_THAT(heard, HasSubstr("Content-Length: " + std::to_string(body.size()) + "\r\n"));
}

TEST_F(HttpServerTest, a_body_that_takes_too_long_reaches_no_handler) {
  HttpLimits limits;
  limits.time = std::chrono::milliseconds(50);
  std::atomic<int> handled = 0;
  const auto server = open(
      [&](HttpExchange exchange) {
        ++handled;
        exchange.respond({200, "text/plain", "done"});
      },
      limits);
  Client slow(server->endpoint());
  slow.say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhal");
  EXPECT_THAT(slow.hear(), StartsWith("HTTP/1.1 408 "));
  slow.say("f!");
  EXPECT_THAT(Client(server->endpoint()).ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
              EndsWith("done"));
  EXPECT_EQ(handled, 1);
}

TEST_F(HttpServerTest, a_handler_may_take_longer_than_a_request) {
  HttpLimits limits;
  limits.time = std::chrono::milliseconds(50);
  std::promise<HttpExchange> asked;
  const auto server =
      open([&](HttpExchange exchange) { asked.set_value(std::move(exchange)); }, limits);
  Client slow(server->endpoint());
  Client client(server->endpoint());
  client.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  HttpExchange exchange = asked.get_future().get();
  EXPECT_THAT(slow.hear(), StartsWith("HTTP/1.1 408 ")) << "the time of the others is over";
  exchange.respond({200, "text/plain", "patience"});
  EXPECT_THAT(client.hear(), EndsWith("patience"));
}

TEST_F(HttpServerTest, at_the_limit_the_oldest_without_a_request_makes_room) {
  HttpLimits limits;
  limits.connections = 2;
  const auto server = open(at_once(&echo), limits);
  Client first(server->endpoint());
  first.say("GET /1");
  turn();
  Client second(server->endpoint());
  second.say("GET /2");
  turn();
  Client third(server->endpoint());
  turn();
  EXPECT_EQ(first.hear(), "");
  third.say("GET /3 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(third.hear(), EndsWith("GET /3 "));
  second.say(" HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(second.hear(), EndsWith("GET /2 "));
}

TEST_F(HttpServerTest, who_has_asked_is_never_cut_for_others_who_wait) {
  HttpLimits limits;
  limits.connections = 2;
  std::mutex mutex;
  std::vector<HttpExchange> asked;
  std::condition_variable came;
  const auto server = open(
      [&](HttpExchange exchange) {
        const std::lock_guard lock(mutex);
        asked.push_back(std::move(exchange));
        came.notify_all();
      },
      limits);
  const auto wait_for = [&](std::size_t count) {
    std::unique_lock lock(mutex);
    came.wait(lock, [&] { return asked.size() == count; });
  };
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t number = 1; number <= 3; ++number) {  // One more is accepted than may be.
    clients.push_back(std::make_unique<Client>(server->endpoint()));
    clients.back()->say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(number);
  }
  Client late(server->endpoint());
  late.say("GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
  turn();
  for (std::size_t number = 0; number < 3; ++number) {
    asked[number].respond({200, "text/plain", "patience"});
    EXPECT_THAT(clients[number]->hear(), EndsWith("patience"));
  }
  wait_for(4);
  asked[3].respond({200, "text/plain", "late"});
  EXPECT_THAT(late.hear(), EndsWith("late"));
}

class HttpSocketTest : public HttpServerTest {
 protected:
  [[nodiscard]] std::filesystem::path socket() const { return directory_ / "signet.sock"; }

 private:
  test::ScratchFolder directory_;
};

TEST_F(HttpSocketTest, knows_who_asks_through_a_unix_socket) {
  const auto server = open(at_once([](const HttpRequest& request) {
                             return HttpResponse{200, "text/plain",
                                                 std::to_string(request.credentials->uid) + " " +
                                                     std::to_string(request.credentials->pid)};
                           }),
                           {}, socket());
  EXPECT_THAT(Client(socket()).ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
              EndsWith(std::to_string(::getuid()) + " " + std::to_string(::getpid())));
}

TEST_F(HttpSocketTest, others_may_not_open_the_socket) {
  const auto server = open(at_once(&echo), {}, socket());
  struct stat facts{};
  ASSERT_EQ(::stat(socket().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0660U);
}

TEST_F(HttpSocketTest, replaces_a_socket_that_nobody_serves) {
  {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket().native().copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    const Descriptor stale(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(::bind(stale.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  const auto server = open(at_once(&echo), {}, socket());
  EXPECT_THAT(Client(socket()).ask("GET /x HTTP/1.1\r\nHost: x\r\n\r\n"), EndsWith("GET /x "));
}

TEST_F(HttpSocketTest, leaves_a_served_socket_alone) {
  const auto server = open(at_once(&echo), {}, socket());
  const auto second = HttpServer::open(thread_.loop(), socket(), at_once(&echo));
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().fault, Fault::configuration);
  EXPECT_THAT(second.error().detail, HasSubstr("in use"));
  EXPECT_THAT(Client(socket()).ask("GET /x HTTP/1.1\r\nHost: x\r\n\r\n"), EndsWith("GET /x "));
}

TEST_F(HttpSocketTest, removes_its_socket_at_the_end) {
  open(at_once(&echo), {}, socket()).reset();
  EXPECT_FALSE(std::filesystem::exists(socket()));
}

TEST_F(HttpServerTest, a_taken_port_is_a_fault) {
  const auto server = open(at_once(&echo));
  const auto second = HttpServer::open(thread_.loop(), server->endpoint(), at_once(&echo));
  ASSERT_FALSE(second.has_value());
  EXPECT_THAT(second.error().detail, HasSubstr(server->endpoint().to_string()));
}

}  // namespace
}  // namespace signet::net
