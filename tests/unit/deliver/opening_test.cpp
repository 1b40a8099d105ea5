#include <gmock/gmock.h>
#include <openssl/ssl.h>

#include "tests/support/scratch_folder.hpp"
#include "tests/support/test_certificate.hpp"
#include "tests/unit/deliver/client_fixture.hpp"

namespace signet::deliver {
namespace {

using config::TlsPolicy;
using testing::ElementsAre;
using Contexts = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

const std::string kQuit = "C: QUIT\nS: 221 Bye\n";
const std::string kOffersTls = greet({"STARTTLS"});
const std::string kHelloAgain = "C: EHLO relay.example\nS: 250-sink.example\nS: 250 PIPELINING\n";

class OpeningTest : public ClientTest {
 protected:
  OpeningTest() : authority_(test::make_authority("CA")) {
    const auto certificate = test::make_certificate({"sink.example"}, &authority_);
    const auto chain = scratch_.write("chain.pem", certificate.certificate);
    const auto key = scratch_.write("key.pem", certificate.key);
    SSL_CTX_use_certificate_chain_file(server_tls_.get(), chain.c_str());
    SSL_CTX_use_PrivateKey_file(server_tls_.get(), key.c_str(), SSL_FILETYPE_PEM);
    client_tls_ = *net::ClientTls::load(scratch_.write("ca.pem", authority_.certificate));
  }

  /// What came of opening a connection: "clear", "tls", "verified", or the fault's name.
  std::string open_by(const std::vector<std::string>& scripts, TlsPolicy policy,
                      const std::function<void(ConnectOptions&)>& change = {}) {
    test::ScriptedServer server(scripts, server_tls_.get());
    ConnectOptions chosen = options(server);
    chosen.tls = policy;
    chosen.tls_settings = client_tls_;
    if (change) change(chosen);
    auto opened = open(std::move(chosen));
    std::string result = opened ? "clear" : std::string(row(opened.error().fault).name);
    if (opened && (*opened)->tls()) {
      result = (*opened)->tls()->peer_verified ? "verified" : "tls";
    }
    if (opened) {
      test::run_task(loop_, (*opened)->quit());
      opened->reset();
    }
    EXPECT_EQ(server.finish(), "");
    return result;
  }

  test::ScratchFolder scratch_;
  test::TestCertificate authority_;
  Contexts server_tls_{SSL_CTX_new(TLS_server_method()), &SSL_CTX_free};
  std::shared_ptr<const net::ClientTls> client_tls_;
};

TEST_F(OpeningTest, each_answer_before_mail_has_its_fault) {
  const std::string ehlo = "S: 220 Hi\nC: EHLO relay.example\n";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"S: 421 Busy\n", "peer_temporary"},
      {"S: 450 Busy\n" + kQuit, "peer_temporary"},
      {"S: 554 Go away\n" + kQuit, "peer_permanent"},
      {"S: 250 Hi\n" + kQuit, "peer_protocol"},
      {"S: Hi there\n", "peer_protocol"},
      {"S> 220\\0\\r\\n", "peer_protocol"},
      {"CLOSE\n", "closed"},
      {ehlo + "CLOSE\n", "closed"},
      {ehlo + "S: 421 Bye\n", "peer_temporary"},
      {ehlo + "S: 451 Later\n" + kQuit, "peer_temporary"},
      {ehlo + "S: 502 What?\nC: HELO relay.example\nS: 250 Hi\n" + kQuit, "clear"},
      {ehlo + "S: 502 What?\nC: HELO relay.example\nS: 550 No\n" + kQuit, "peer_permanent"},
      {ehlo + "S: 250-Hi\nS: 550 No\n", "peer_protocol"},
      {"S: 220-Hi\nS: 220 there\nC: EHLO relay.example\nS: 250 Hi\n" + kQuit, "clear"},
      {"S: 220 Hi\nS: 250 early\n", "peer_protocol"},
  };
  for (const auto& [script, result] : cases) {
    EXPECT_EQ(open_by({script}, TlsPolicy::none), result) << script;
  }
}

TEST_F(OpeningTest, a_silent_peer_times_out) {
  timeouts_.greeting = config::seconds(0);
  EXPECT_EQ(open_by({"STALL\n"}, TlsPolicy::may), "timed_out");
}

TEST_F(OpeningTest, a_closed_port_is_a_failed_connection) {
  ConnectOptions nowhere;
  {
    test::ScriptedServer gone({});
    nowhere = options(gone);
  }
  EXPECT_EQ(open(nowhere).error().fault, Fault::connect_failed);
}

TEST_F(OpeningTest, tls_is_used_as_the_policy_says) {
  const std::string full = kOffersTls + "C: STARTTLS\nS: 220 Go\nTLS\n" + kHelloAgain + kQuit;
  EXPECT_EQ(open_by({full}, TlsPolicy::may), "verified");
  EXPECT_EQ(open_by({full}, TlsPolicy::encrypt), "verified");
  EXPECT_EQ(open_by({full}, TlsPolicy::verify), "verified");
  EXPECT_EQ(open_by({kOffersTls + kQuit}, TlsPolicy::none), "clear");
  EXPECT_EQ(open_by({greet({}) + kQuit}, TlsPolicy::may), "clear");
  EXPECT_EQ(open_by({greet({}) + kQuit}, TlsPolicy::encrypt), "tls_failed");
  EXPECT_EQ(open_by({greet({}) + kQuit}, TlsPolicy::verify), "tls_failed");
}

TEST_F(OpeningTest, the_name_counts_only_for_verify) {
  const auto misnamed = [](ConnectOptions& chosen) { chosen.host = "other.example"; };
  const std::string full = kOffersTls + "C: STARTTLS\nS: 220 Go\nTLS\n";
  EXPECT_EQ(open_by({full + kHelloAgain + kQuit}, TlsPolicy::may, misnamed), "tls");
  EXPECT_EQ(open_by({full + kHelloAgain + kQuit}, TlsPolicy::encrypt, misnamed), "tls");
  EXPECT_EQ(open_by({full}, TlsPolicy::verify, misnamed), "tls_failed");
}

TEST_F(OpeningTest, a_refused_starttls_is_clear_only_under_may) {
  const std::string refusal = kOffersTls + "C: STARTTLS\nS: 454 Not now\n" + kQuit;
  EXPECT_EQ(open_by({refusal}, TlsPolicy::may), "clear");
  EXPECT_EQ(open_by({refusal}, TlsPolicy::encrypt), "tls_failed");
  EXPECT_EQ(open_by({kOffersTls + "C: STARTTLS\nS: 421 Bye\n"}, TlsPolicy::may), "peer_temporary");
}

TEST_F(OpeningTest, a_broken_handshake_is_tried_in_clear_only_under_may) {
  const std::string broken = kOffersTls + "C: STARTTLS\nS: 220 Go\nCLOSE\n";
  EXPECT_EQ(open_by({broken, kOffersTls + kQuit}, TlsPolicy::may), "clear");
  EXPECT_EQ(open_by({broken}, TlsPolicy::encrypt), "tls_failed");
  EXPECT_EQ(open_by({broken}, TlsPolicy::verify), "tls_failed");
}

// B14.
TEST_F(OpeningTest, octets_after_the_reply_to_starttls_end_the_connection) {
  const std::string injected =
      kOffersTls + "C: STARTTLS\nS> 220 Go\\r\\n250-evil\\r\\n250 PIPELINING\\r\\n\nCLOSE\n";
  EXPECT_EQ(open_by({injected}, TlsPolicy::may), "peer_protocol");
}

TEST_F(OpeningTest, what_was_offered_before_tls_is_forgotten) {
  test::ScriptedServer server(
      {greet({"STARTTLS", "8BITMIME", "SIZE 1"}) + "C: STARTTLS\nS: 220 Go\nTLS\n" + kHelloAgain},
      server_tls_.get());
  ConnectOptions chosen = options(server);
  chosen.tls_settings = client_tls_;
  auto opened = open(std::move(chosen));
  ASSERT_TRUE(opened);
  EXPECT_TRUE((*opened)->capabilities().pipelining);
  EXPECT_FALSE((*opened)->capabilities().eight_bit_mime);
  EXPECT_FALSE((*opened)->capabilities().has_size);
  opened->reset();
}

TEST_F(OpeningTest, implicit_tls_comes_before_the_greeting_and_never_falls_back) {
  const auto implicit = [](ConnectOptions& chosen) { chosen.implicit_tls = true; };
  EXPECT_EQ(open_by({"TLS\n" + greet({}) + kQuit}, TlsPolicy::may, implicit), "verified");
  EXPECT_EQ(open_by({"CLOSE\n"}, TlsPolicy::may, implicit), "tls_failed");
}

TEST_F(OpeningTest, authenticates_by_plain_else_login) {
  const auto as_user = [](ConnectOptions& chosen) {
    chosen.user = "u";
    chosen.password = "p";
  };
  const std::string plain = greet({"AUTH LOGIN PLAIN"}) + "C: AUTH PLAIN AHUAcA==\n";
  const std::string login = greet({"AUTH LOGIN"}) + "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: dQ==\n";
  const std::vector<std::pair<std::string, std::string>> cases{
      {plain + "S: 235 Ok\n" + kQuit, "clear"},
      {plain + "S: 334 \nC: AHUAcA==\nS: 235 Ok\n" + kQuit, "clear"},
      {plain + "S: 535 Wrong\n" + kQuit, "peer_lacks_auth"},
      {login + "S: 334 UGFzc3dvcmQ6\nC: cA==\nS: 235 Ok\n" + kQuit, "clear"},
      {login + "S: 535 Wrong\n" + kQuit, "peer_lacks_auth"},
      {greet({"AUTH CRAM-MD5"}) + kQuit, "peer_lacks_auth"},
      {greet({}) + kQuit, "peer_lacks_auth"},
  };
  for (const auto& [script, result] : cases) {
    EXPECT_EQ(open_by({script}, TlsPolicy::none, as_user), result) << script;
  }
}

TEST_F(OpeningTest, requiretls_is_passed_on_to_an_authenticated_peer_that_offers_it) {
  test::ScriptedServer server(
      {greet({"STARTTLS"}) +
       "C: STARTTLS\nS: 220 Go\nTLS\nC: EHLO relay.example\nS: 250-sink.example\nS: 250 "
       "REQUIRETLS\n"
       "C: MAIL FROM:<s@a.example> REQUIRETLS\nS: 250 Ok\nC: RCPT TO:<r1@b.example>\nS: 250 Ok\n"
       "C: DATA\nS: 354 Go\nDATA\nS: 250 Ok\n"},
      server_tls_.get());
  ConnectOptions chosen = options(server);
  chosen.tls = TlsPolicy::verify;
  chosen.tls_settings = client_tls_;
  auto opened = open(std::move(chosen));
  ASSERT_TRUE(opened);
  Transaction transaction = message(1);
  transaction.require_tls = true;
  EXPECT_THAT(send(**opened, std::move(transaction)), ElementsAre("delivered 250 Ok"));
  opened->reset();
  EXPECT_EQ(server.finish(), "");
}

TEST_F(OpeningTest, limits_are_read_again_after_auth) {
  test::ScriptedServer server({greet({"AUTH PLAIN", "LIMITS RCPTMAX=1"}) +
                               "C: AUTH PLAIN AHUAcA==\nS: 235 Ok\nC: EHLO relay.example\n"
                               "S: 250-sink.example\nS: 250 LIMITS RCPTMAX=2\n"});
  ConnectOptions chosen = options(server);
  chosen.tls = TlsPolicy::none;
  chosen.user = "u";
  chosen.password = "p";
  auto opened = open(std::move(chosen));
  ASSERT_TRUE(opened);
  const std::vector<Domain> recipients(3, *Domain::parse("b.example"));
  EXPECT_THAT((*opened)->admit(recipients), ElementsAre(0U, 1U));
  opened->reset();
  EXPECT_EQ(server.finish(), "");
}

TEST_F(ClientTest, one_connection_carries_message_after_message) {
  const std::string envelope = "C: MAIL FROM:<s@a.example>\nC: RCPT TO:<r1@b.example>\nC: DATA\n";
  test::ScriptedServer server(
      {greet({"PIPELINING"}) + envelope + "S: 250 a\nS: 250 a\nS: 354 a\nDATA\nS: 250 one\n" +
       envelope + "S: 250 a\nS: 550 b\nS: 554 c\n" +  //
       "C: RSET\n" + envelope + "S: 250 r\nS: 250 a\nS: 250 a\nS: 354 a\nDATA\nS: 250 three\n" +
       envelope + "S: 250 a\nS: 250 a\nS: 354 a\nDATA\nS: 250 four\nS: 421 Enough\n"});
  auto opened = open(options(server));
  ASSERT_TRUE(opened);
  Connection& connection = **opened;
  for (const char* outcome : {"delivered 250 one", "failed 550 b", "delivered 250 three"}) {
    EXPECT_THAT(send(connection, message(1)), ElementsAre(outcome));
    EXPECT_TRUE(connection.is_reusable());
    EXPECT_FALSE(connection.is_stale());
  }
  EXPECT_THAT(send(connection, message(1)), ElementsAre("delivered 250 four"));
  opened->reset();
  EXPECT_EQ(server.finish(), "");
  EXPECT_EQ(server.messages().size(), 3U);
}

TEST_F(ClientTest, a_peer_that_closed_while_idle_is_stale) {
  test::ScriptedServer server({greet({}) + "CLOSE\n"});
  auto opened = open(options(server));
  ASSERT_TRUE(opened);
  EXPECT_EQ(server.finish(), "");
  EXPECT_TRUE((*opened)->is_stale());
}

TEST_F(ClientTest, a_large_message_arrives_as_it_was_with_dots_doubled) {
  std::string body;
  std::string doubled;
  for (int i = 0; i < 30'000; ++i) {
    const std::string line = (i % 7 == 0 ? "." : "") + std::to_string(i) + "\r\n";
    body += line;
    doubled += (i % 7 == 0 ? "." : "") + line;
  }
  slice_size_ = 64U << 10U;
  test::ScriptedServer server({greet({"PIPELINING"}) +
                               "C: MAIL*\nC: RCPT*\nC: DATA\nS: 250 a\nS: 250 a\nS: 354 a\n"
                               "DATA\nS: 250 Ok\n"});
  auto opened = open(options(server));
  ASSERT_TRUE(opened);
  EXPECT_THAT(send(**opened, message(1, body)), ElementsAre("delivered 250 Ok"));
  opened->reset();
  EXPECT_EQ(server.finish(), "");
  EXPECT_TRUE(server.messages().at(0) == "Subject: x\r\n\r\n" + doubled);
}

net::Task<Result<void>> refuse_to_record() { co_return fail(Fault::spool_failed, "disk"); }
net::Task<Result<std::string_view>> no_body() { co_return fail(Fault::not_found, "gone"); }

TEST_F(ClientTest, without_record_or_body_no_final_dot_is_sent) {
  const std::string script =
      greet({}) + "C: MAIL*\nS: 250 a\nC: RCPT*\nS: 250 a\nC: DATA\nS: 354 a\nSTALL\n";
  for (const bool body_fails : {false, true}) {
    test::ScriptedServer server({script});
    auto opened = open(options(server));
    ASSERT_TRUE(opened);
    Transaction transaction = message(1);
    if (body_fails) {
      transaction.next_slice = no_body;
    } else {
      transaction.before_dot = [](const std::vector<std::uint32_t>&) { return refuse_to_record(); };
    }
    EXPECT_THAT(send(**opened, std::move(transaction)),
                ElementsAre(testing::StartsWith("deferred ")));
    EXPECT_FALSE((*opened)->is_reusable());
    opened->reset();
    EXPECT_EQ(server.finish(), "");
    EXPECT_THAT(server.reads(), testing::Not(testing::Contains(testing::HasSubstr("\r\n.\r\n"))));
  }
}

}  // namespace
}  // namespace signet::deliver
