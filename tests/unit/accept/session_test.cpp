// What text dialogues can't show: packets, slices, time, and the end of a session from outside.
#include "relay/accept/session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/accept/conversation.hpp"

namespace signet::accept::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr const char* kGreeting = "HELO x\r\n";
constexpr const char* kEnvelope =
    "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n";

// Sends all in one go and gathers all replies to the end of the connection.
net::Task<void> say_and_listen(Talker& talker, std::string octets, std::string& heard) {
  auto sending = talker.send(std::move(octets));
  co_await std::move(sending);
  auto listening = talker.rest();
  heard = co_await std::move(listening);
  talker.stream().shut_down();
}

net::Task<void> open_data(Talker& talker) {
  auto greeting = talker.send(std::string(kGreeting) + kEnvelope);
  co_await std::move(greeting);
  for (std::string reply; !reply.starts_with("354");) {
    auto reading = talker.reply();
    reply = co_await std::move(reading);
    if (reply.starts_with("EOF")) co_return;
  }
}

net::Task<void> say_data_and_listen(Talker& talker, std::string octets, std::size_t step,
                                    std::string& heard) {
  auto opening = open_data(talker);
  co_await std::move(opening);
  auto sending = talker.send(std::move(octets), step);
  co_await std::move(sending);
  auto listening = talker.rest();
  heard = co_await std::move(listening);
  talker.stream().shut_down();
}

// Says `octets` and goes away without waiting for an answer.
net::Task<void> say_and_leave(Talker& talker, std::string octets, bool with_tls) {
  if (with_tls) {
    auto asking = talker.send("EHLO x\r\nSTARTTLS\r\n");
    co_await std::move(asking);
    for (std::string reply; !reply.starts_with("220 2.0.0");) {
      auto reading = talker.reply();
      reply = co_await std::move(reading);
    }
    auto handshake = talker.start_tls();
    EXPECT_TRUE(co_await std::move(handshake));
  }
  auto sending = talker.send(std::move(octets));
  co_await std::move(sending);
  talker.stream().shut_down();
}

TEST(SessionTest, a_connection_that_ends_inside_a_chunk_leaves_no_message) {
  const std::string message = "From: a@example.com\r\n\r\nx\r\n";
  const std::string envelope = "EHLO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\n";
  for (const bool with_tls : {false, true}) {
    for (std::size_t kept = 0; kept < message.size(); ++kept) {
      Conversation conversation;
      if (with_tls) conversation.listener.tls = config::ListenerTls::starttls;
      auto& talker = conversation.begin();
      conversation.run(say_and_leave(talker,
                                     envelope + "BDAT " + std::to_string(message.size()) +
                                         " LAST\r\n" + message.substr(0, kept),
                                     with_tls));
      EXPECT_TRUE(conversation.door.messages.empty()) << kept;
      EXPECT_EQ(conversation.door.abandoned, 1) << kept;
      EXPECT_EQ(conversation.door.inside, 0) << kept;
    }
  }
}

TEST(SessionTest, any_cut_into_chunks_gives_the_same_message) {
  const std::string message =
      "From: a@example.com\r\nSubject: x\r\n\r\n.\r\n..\r\n.MAIL\r\nBDAT 3\r\n\r\nend\r\n";
  for (std::size_t cut = 1; cut <= message.size(); ++cut) {
    std::string octets = "EHLO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\n";
    for (std::size_t at = 0; at < message.size(); at += cut) {
      const std::string chunk = message.substr(at, cut);
      octets += "BDAT " + std::to_string(chunk.size()) + "\r\n" + chunk;
    }
    Conversation conversation;
    auto& talker = conversation.begin();
    std::string heard;
    conversation.run(say_and_listen(talker, octets + "BDAT 0 LAST\r\nQUIT\r\n", heard));
    ASSERT_EQ(conversation.door.messages.size(), 1U) << cut << heard;
    EXPECT_EQ(conversation.door.messages[0].header + "\r\n" + conversation.door.messages[0].body,
              message);
  }
}

// The list of the public smuggling scanners, and the lone ends at the start of a line.
const std::vector<std::string>& false_ends() {
  using namespace std::string_literals;
  static const std::vector<std::string> kEnds{
      "\n.\n",   "\n.\r",        "\r.\n",         "\r.\r",         "\n.\r\n",
      "\r.\r\n", "\r\n\r.\r\n",  "\r\r\n.\r\r\n", "\r\r\n\r.\r\n", "\r\n.\r",
      "\r\n.\n", "\r\n\0.\r\n"s, "\r\n.\0\r\n"s,  "\r\n.\r\0\n"s};
  return kEnds;
}

TEST(SessionTest, no_false_end_of_data_lets_what_follows_be_a_command) {
  const std::string smuggled =
      "MAIL FROM:<smuggled@example.com>\r\nRCPT TO:<c@example.net>\r\nDATA\r\n"
      "From: smuggled@example.com\r\n\r\nx\r\n.\r\nQUIT\r\n";
  for (const std::string& end : false_ends()) {
    for (const std::size_t step : {std::size_t{0}, std::size_t{1}}) {
      Conversation conversation;
      auto& talker = conversation.begin();
      std::string heard;
      conversation.run(say_data_and_listen(
          talker, "From: a@example.com\r\n\r\nbody" + end + smuggled, step, heard));
      EXPECT_TRUE(heard.starts_with("521 5.5.2 ") || heard.starts_with("554 5.6.0 ")) << heard;
      EXPECT_EQ(heard.find("\r\n"), heard.size() - 2) << heard;  // One reply, then the end.
      EXPECT_TRUE(conversation.door.messages.empty());
      EXPECT_EQ(conversation.door.abandoned, 1);
      EXPECT_EQ(conversation.door.inside, 0);
    }
  }
}

TEST(SessionTest, bare_newlines_in_the_header_are_refused_too) {
  for (const char* header : {"From: a@example.com\nX: y\r\n\r\n", "From: a\r b\r\n\r\n"}) {
    Conversation conversation;
    auto& talker = conversation.begin();
    std::string heard;
    conversation.run(say_data_and_listen(talker, std::string(header) + "x\r\n.\r\n", 0, heard));
    EXPECT_TRUE(heard.starts_with("521 5.5.2 ")) << heard;
  }
}

// B13.
TEST(SessionTest, commands_after_starttls_in_the_same_packet_end_the_connection) {
  for (const char* injected : {"EHLO evil\r\n", "x", "\x16\x03\x01"}) {
    Conversation conversation;
    conversation.listener.tls = config::ListenerTls::starttls;
    auto& talker = conversation.begin();
    std::string heard;
    conversation.run(
        say_and_listen(talker, std::string("EHLO x\r\nSTARTTLS\r\n") + injected, heard));
    EXPECT_THAT(heard,
                testing::EndsWith("\r\n554 5.5.1 Data after STARTTLS before the handshake\r\n"));
  }
}

TEST(SessionTest, garbage_for_a_handshake_ends_the_connection) {
  Conversation conversation;
  conversation.listener.tls = config::ListenerTls::implicit;
  auto& talker = conversation.begin();
  std::string heard;
  conversation.run(say_and_listen(talker, "EHLO x\r\nMAIL FROM:<a@example.com>\r\n", heard));
  EXPECT_THAT(heard, testing::Not(HasSubstr("250")));
  EXPECT_EQ(conversation.door.inside, 0);
}

net::Task<void> send_group(Talker& talker, std::string& first_read) {
  auto greeting = talker.reply();
  co_await std::move(greeting);
  auto sending = talker.send(std::string(kGreeting) + kEnvelope);
  co_await std::move(sending);
  auto reading = talker.read_once();
  first_read = co_await std::move(reading);
}

TEST(SessionTest, replies_to_a_pipelined_group_leave_in_one_write) {
  Conversation conversation;
  auto& talker = conversation.begin();
  std::string heard;
  conversation.run(send_group(talker, heard), false);
  EXPECT_EQ(heard,
            "250 relay.example\r\n250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n"
            "354 End data with <CR><LF>.<CR><LF>\r\n");
}

TEST(SessionTest, a_large_body_arrives_whole_and_in_slices) {
  std::string body;
  for (int i = 0; body.size() < (3U << 20); ++i) {
    body += (i % 7 == 0 ? ".line " : "line ") + std::to_string(i) + "\r\n";
  }
  std::string sent = "From: a@example.com\r\n\r\n";
  for (std::size_t at = 0; at < body.size(); at = body.find('\n', at) + 1) {
    if (body[at] == '.') sent += '.';
    sent += body.substr(at, body.find('\n', at) + 1 - at);
  }
  Conversation conversation;
  auto& talker = conversation.begin();
  std::string heard;
  conversation.run(say_data_and_listen(talker, sent + ".\r\nQUIT\r\n", 50'000, heard));
  EXPECT_EQ(heard, "250 2.0.0 Ok: queued as 00000000001\r\n221 2.0.0 Bye\r\n");
  ASSERT_EQ(conversation.door.messages.size(), 1U);
  EXPECT_EQ(conversation.door.messages[0].header, "From: a@example.com\r\n");
  EXPECT_TRUE(conversation.door.messages[0].body == body);
  EXPECT_LE(conversation.door.messages[0].largest_slice, 64U << 10);
  EXPECT_GT(conversation.door.messages[0].largest_slice, 8U << 10);
}

TEST(SessionTest, a_client_gone_in_the_data_leaves_no_message) {
  Conversation conversation;
  auto& talker = conversation.begin();
  conversation.run([](Talker& client) -> net::Task<void> {
    auto opening = open_data(client);
    co_await std::move(opening);
    auto sending = client.send("From: a@example.com\r\n\r\nhalf");
    co_await std::move(sending);
    client.stream().shut_down();
  }(talker));
  EXPECT_TRUE(conversation.door.messages.empty());
  EXPECT_EQ(conversation.door.abandoned, 1);
  EXPECT_EQ(conversation.door.inside, 0);
}

TEST(SessionTest, silence_in_the_data_ends_the_connection) {
  Conversation conversation;
  conversation.door.configured.timeouts.data_block = seconds(0);
  auto& talker = conversation.begin();
  std::string heard;
  conversation.run(say_data_and_listen(talker, "", 0, heard));
  EXPECT_EQ(heard, "421 4.4.2 Timeout waiting for client\r\n");
  EXPECT_EQ(conversation.door.inside, 0);
}

TEST(SessionTest, an_idle_connection_hears_of_draining_within_two_seconds) {
  Conversation conversation;
  auto& talker = conversation.begin();
  std::string heard;
  milliseconds took{};
  conversation.run([](Conversation& all, Talker& client, std::string& heard_in,
                      milliseconds& took_in) -> net::Task<void> {
    auto greeting = client.reply();
    co_await std::move(greeting);
    all.door.draining = true;
    const auto began = std::chrono::steady_clock::now();
    auto listening = client.rest();
    heard_in = co_await std::move(listening);
    took_in = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - began);
  }(conversation, talker, heard, took));
  EXPECT_EQ(heard, "421 4.3.2 Service shutting down\r\n");
  EXPECT_LT(took, seconds(2));
}

TEST(SessionTest, draining_waits_for_the_message_that_has_begun) {
  Conversation conversation;
  auto& talker = conversation.begin();
  std::string heard;
  conversation.run([](Conversation& all, Talker& client, std::string& heard_in) -> net::Task<void> {
    auto opening = open_data(client);
    co_await std::move(opening);
    all.door.draining = true;
    auto sending = client.send("From: a@example.com\r\n\r\nx\r\n.\r\n");
    co_await std::move(sending);
    auto listening = client.rest();
    heard_in = co_await std::move(listening);
  }(conversation, talker, heard));
  EXPECT_EQ(heard, "250 2.0.0 Ok: queued as 00000000001\r\n421 4.3.2 Service shutting down\r\n");
}

TEST(SessionTest, destroying_a_session_leaves_the_door_and_abandons_its_message) {
  Conversation conversation;
  auto& talker = conversation.begin();
  conversation.run(open_data(talker), false);
  EXPECT_EQ(conversation.door.inside, 1);
  conversation.cancel();
  EXPECT_EQ(conversation.door.inside, 0);
  EXPECT_EQ(conversation.door.entered, 1);
  EXPECT_EQ(conversation.door.abandoned, 1);
}

constexpr const char* kProxied = "PROXY TCP4 192.0.2.1 10.0.0.1 40000 25\r\n";

void trust_loopback(Conversation& conversation) {
  conversation.listener.proxy_from = {*IpNetwork::parse("127.0.0.0/8")};
}

TEST(SessionTest, a_load_balancer_tells_the_client_before_the_greeting) {
  for (const std::size_t step : {std::size_t{0}, std::size_t{1}}) {
    Conversation conversation;
    trust_loopback(conversation);
    conversation.door.configured.clients[0].networks = {*IpNetwork::parse("192.0.2.0/24")};
    auto& talker = conversation.begin();
    std::string heard;
    conversation.run([](Talker& client, std::size_t cut, std::string& into) -> net::Task<void> {
      auto sending = client.send(std::string(kProxied) + kGreeting + kEnvelope +
                                     "From: a@example.com\r\n\r\nx\r\n.\r\nQUIT\r\n",
                                 cut);
      co_await std::move(sending);
      auto listening = client.rest();
      into = co_await std::move(listening);
      client.stream().shut_down();
    }(talker, step, heard));
    EXPECT_TRUE(heard.starts_with("220 relay.example ")) << heard;
    ASSERT_EQ(conversation.door.messages.size(), 1U) << heard;
    EXPECT_EQ(conversation.door.messages[0].facts.remote.to_string(), "192.0.2.1:40000");
    EXPECT_EQ(conversation.door.messages[0].facts.peer.address.to_string(), "192.0.2.1");
    EXPECT_EQ(conversation.door.arrived.at(0).to_string(), "192.0.2.1:40000");
  }
}

net::Task<void> prove_tls_after_header(Talker& client, std::string& heard) {
  auto sending = client.send(kProxied);
  co_await std::move(sending);
  auto shaking = client.start_tls();
  const bool shaken = co_await std::move(shaking);
  if (!shaken) co_return;
  auto reading = client.reply();
  heard = co_await std::move(reading);
  client.stream().shut_down();
}

TEST(SessionTest, tls_may_begin_right_after_the_proxy_header) {
  Conversation conversation;
  trust_loopback(conversation);
  conversation.listener.tls = config::ListenerTls::implicit;
  std::string heard;
  conversation.run(prove_tls_after_header(conversation.begin(), heard));
  EXPECT_EQ(heard, "220 relay.example ESMTP Signet\n");
}

TEST(SessionTest, a_load_balancer_may_speak_for_itself) {
  Conversation conversation;
  trust_loopback(conversation);
  auto& talker = conversation.begin();
  std::string heard;
  conversation.run(say_and_listen(
      talker, std::string("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16) + "QUIT\r\n", heard));
  EXPECT_THAT(heard, testing::EndsWith("221 2.0.0 Bye\r\n"));
  EXPECT_TRUE(conversation.door.arrived.at(0).address.is_loopback());
}

// B21.
TEST(SessionTest, a_load_balancer_without_a_header_hears_nothing) {
  for (const std::string octets : {"EHLO x\r\n", "PROXY TCP4 x\r\n", "PROXY TCP4 192.0.2.1"}) {
    Conversation conversation;
    trust_loopback(conversation);
    auto& talker = conversation.begin();
    std::string heard;
    conversation.run([](Talker& client, std::string text, std::string& into) -> net::Task<void> {
      auto sending = client.send(std::move(text));
      co_await std::move(sending);
      client.stream().shut_down();
      auto listening = client.rest();
      into = co_await std::move(listening);
    }(talker, octets, heard));
    EXPECT_TRUE(heard.empty() || heard == "CLOSED") << heard;
    EXPECT_TRUE(conversation.door.arrived.empty());
    EXPECT_EQ(conversation.door.inside, 0);
    EXPECT_THAT(conversation.metrics.expose(), HasSubstr("proxy_header_wrong"));
  }
}

// B50.
TEST(SessionTest, a_load_balancer_that_says_nothing_is_not_waited_for) {
  Conversation conversation;
  trust_loopback(conversation);
  conversation.door.configured.timeouts.proxy_header = seconds(0);
  auto& talker = conversation.begin();
  std::string heard;
  conversation.run([](Talker& client, std::string& into) -> net::Task<void> {
    auto listening = client.rest();
    into = co_await std::move(listening);
  }(talker, heard));
  EXPECT_EQ(heard, "");
}

// B21.
TEST(SessionTest, a_proxy_header_of_anybody_else_is_garbage_and_the_end) {
  const std::string binary(
      "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\x0a\0\0\x01\x9c\x40\0\x19", 28);
  for (const std::string& header : {std::string(kProxied), binary}) {
    Conversation conversation;
    conversation.listener.proxy_from = {*IpNetwork::parse("10.0.0.0/8")};
    auto& talker = conversation.begin();
    std::string heard;
    conversation.run(say_and_listen(
        talker, header + kGreeting + kEnvelope + "From: a@example.com\r\n\r\nx\r\n.\r\n", heard));
    EXPECT_THAT(heard, HasSubstr("\r\n500 5.5.2 ")) << heard;
    EXPECT_THAT(heard, testing::Not(HasSubstr("\r\n250 ")));
    EXPECT_TRUE(conversation.door.arrived.at(0).address.is_loopback());
    EXPECT_TRUE(conversation.door.messages.empty());
  }
}

TEST(SessionTest, a_listener_has_its_own_name_and_limits) {
  Conversation conversation;
  conversation.listener.hostname = "smtp.example.com";
  conversation.listener.message_bytes = 2000;
  conversation.listener.recipients = 1;
  auto& talker = conversation.begin();
  std::string heard;
  conversation.run(say_and_listen(
      talker,
      "EHLO x\r\nMAIL FROM:<a@example.com> SIZE=2001\r\nMAIL FROM:<a@example.com>\r\n"
      "RCPT TO:<b@example.net>\r\nRCPT TO:<c@example.net>\r\nQUIT\r\n",
      heard));
  EXPECT_TRUE(heard.starts_with("220 smtp.example.com ESMTP Signet\r\n250-smtp.example.com\r\n"));
  EXPECT_THAT(heard, HasSubstr("250-SIZE 2000\r\n"));
  EXPECT_THAT(heard, HasSubstr("\r\n552 5.3.4 "));
  EXPECT_THAT(heard, HasSubstr("\r\n452 4.5.3 "));
}

TEST(SessionTest, tells_the_metrics_what_happened) {
  Conversation conversation;
  conversation.metrics.allow(monitoring::Metrics::Label::client, "apps");
  auto& talker = conversation.begin();
  std::string heard;
  conversation.run(say_data_and_listen(talker, "From: a\nb\r\n.\r\n", 0, heard));
  const std::string text = conversation.metrics.expose();
  EXPECT_THAT(text, HasSubstr("bare_newline"));
  EXPECT_THAT(text, HasSubstr("apps"));
}

}  // namespace
}  // namespace signet::accept::test
