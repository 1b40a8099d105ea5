#include "tests/unit/accept/conversation.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "tests/unit/accept/test_tls.hpp"

namespace signet::accept::test {
namespace {

constexpr std::chrono::milliseconds kPatience = std::chrono::seconds(20);

net::Task<void> stop_after(net::Loop& loop, net::TaskScope& scope, net::Task<void> talk,
                           bool and_session) {
  co_await std::move(talk);
  while (and_session && scope.size() > 1) {
    auto turn = loop.sleep(std::chrono::milliseconds(0));
    co_await turn;
  }
  loop.stop();
}

}  // namespace

std::pair<net::Stream, net::Stream> connected_streams(net::Loop& loop) {
  sockaddr_storage storage{};
  const Endpoint anywhere{*IpAddress::parse("127.0.0.1"), 0};
  socklen_t length = anywhere.to_sockaddr(storage);
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  const int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(bind(listening, address, length), 0);
  listen(listening, 1);
  getsockname(listening, address, &length);
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(connect(client, address, length), 0);
  fcntl(client, F_SETFL, O_NONBLOCK);
  const int server = accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  close(listening);
  return {net::Stream(loop, client), net::Stream(loop, server)};
}

net::Task<void> Talker::send(std::string octets, std::size_t step) {
  if (step == 0) step = octets.size();
  for (std::size_t at = 0; at < octets.size(); at += step) {
    auto writing = stream_.write(std::string_view(octets).substr(at, step), kPatience);
    const auto written = co_await std::move(writing);
    if (!written) co_return;
    auto turn = stream_.loop().sleep(std::chrono::milliseconds(0));
    co_await turn;
  }
}

net::Task<std::string> Talker::read_once() {
  std::array<char, 4096> room{};
  auto reading = stream_.read(room, kPatience);
  const auto got = co_await std::move(reading);
  if (!got) failure_ = got.error().fault == Fault::timed_out ? "TIMEOUT" : "CLOSED";
  if (got && *got == 0) failure_ = "EOF";
  co_return std::string(room.data(), got ? *got : 0);
}

net::Task<std::string> Talker::line() {
  while (true) {
    const std::size_t end = unread_.find("\r\n");
    if (end != std::string::npos) {
      std::string text = unread_.substr(0, end);
      unread_.erase(0, end + 2);
      co_return text;
    }
    if (!failure_.empty()) co_return failure_;
    auto reading = read_once();
    unread_ += co_await std::move(reading);
  }
}

net::Task<std::string> Talker::reply() {
  std::string all;
  while (true) {
    auto reading = line();
    const std::string text = co_await std::move(reading);
    all += text + "\n";
    if (text.size() < 4 || text[3] != '-') co_return all;
  }
}

net::Task<std::string> Talker::rest() {
  while (failure_.empty()) {
    auto reading = read_once();
    unread_ += co_await std::move(reading);
  }
  co_return std::exchange(unread_, {}) + (failure_ == "EOF" ? "" : failure_);
}

net::Task<bool> Talker::start_tls() {
  static const auto kTls = client_tls();
  auto handshake = stream_.connect_tls(*kTls, "relay.example", false, kPatience);
  const auto shaken = co_await std::move(handshake);
  co_return shaken.has_value();
}

Conversation::Conversation() {
  static const auto kCertificate = server_tls();
  door.certificate = kCertificate;
  listener.name = "test";
}

Conversation::~Conversation() { cancel(); }

Talker& Conversation::begin() {
  auto [client, server] = connected_streams(loop);
  talker_ = std::make_unique<Talker>(std::move(client));
  scope_.spawn(serve(std::move(server), listener, door, metrics));
  return *talker_;
}

void Conversation::run(net::Task<void> talk, bool and_session) {
  scope_.spawn(stop_after(loop, scope_, std::move(talk), and_session));
  loop.run();
}

}  // namespace signet::accept::test
