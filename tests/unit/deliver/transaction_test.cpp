#include <gmock/gmock.h>

#include "tests/unit/deliver/client_fixture.hpp"

namespace signet::deliver {
namespace {

using testing::ElementsAre;
using Outcomes = std::vector<std::string>;

const std::string kQuit = "C: QUIT\nS: 221 Bye\n";
const std::string kPlain = greet({});
const std::string kPipelining = greet({"PIPELINING"});
const std::string kEnvelope2 =
    "C: MAIL FROM:<s@a.example>\nC: RCPT TO:<r1@b.example>\nC: RCPT TO:<r2@b.example>\nC: DATA\n";

TEST_F(ClientTest, delivers_step_by_step_without_pipelining) {
  const auto outcomes = deliver(kPlain +
                                    "C: MAIL FROM:<s@a.example>\nS: 250 Ok\n"
                                    "C: RCPT TO:<r1@b.example>\nS: 250 Ok\n"
                                    "C: RCPT TO:<r2@b.example>\nS: 251 Ok\n"
                                    "C: DATA\nS: 354 Go\nDATA\nS: 250 2.0.0 Ok: queued\n" +
                                    kQuit,
                                2);
  EXPECT_THAT(outcomes,
              ElementsAre("delivered 250 2.0.0 Ok: queued", "delivered 250 2.0.0 Ok: queued"));
  EXPECT_THAT(messages_, ElementsAre("Subject: x\r\n\r\nHello\r\n"));
  EXPECT_THAT(attempts_, ElementsAre(ElementsAre(0U, 1U)));
}

TEST_F(ClientTest, sends_the_envelope_in_one_write_and_a_small_message_in_another) {
  test::ScriptedServer server(
      {kPipelining + kEnvelope2 + "S: 250 Ok\nS: 250 Ok\nS: 250 Ok\nS: 354 Go\nDATA\nS: 250 Ok\n"});
  auto opened = open(options(server));
  ASSERT_TRUE(opened);
  EXPECT_THAT(send(**opened, message(2)), ElementsAre("delivered 250 Ok", "delivered 250 Ok"));
  opened->reset();
  EXPECT_EQ(server.finish(), "");
  EXPECT_THAT(server.reads(), ElementsAre("EHLO relay.example\r\n",
                                          "MAIL FROM:<s@a.example>\r\nRCPT TO:<r1@b.example>\r\n"
                                          "RCPT TO:<r2@b.example>\r\nDATA\r\n",
                                          "Subject: x\r\n\r\nHello\r\n.\r\n"));
}

struct EnvelopeCase {
  std::string name;
  std::string replies;  ///< To MAIL, two RCPT and DATA, pipelined.
  Outcomes outcomes;
  bool reusable;
};

TEST_F(ClientTest, settles_each_recipient_by_the_order_of_the_replies) {
  const std::string good = "DATA\nS: 250 Ok\n";
  const std::vector<EnvelopeCase> cases{
      {"one recipient refused",
       "S: 250 Ok\nS: 550 5.1.1 No\nS: 250 Ok\nS: 354 Go\n" + good,
       {"failed 550 5.1.1 No", "delivered 250 Ok"},
       true},
      {"one recipient refused for now",
       "S: 250 Ok\nS: 250 Ok\nS: 451 4.7.1 Grey\nS: 354 Go\n" + good,
       {"delivered 250 Ok", "deferred 451 4.7.1 Grey"},
       true},
      {"552 to a recipient counts as 452",
       "S: 250 Ok\nS: 250 Ok\nS: 552 Too many\nS: 354 Go\n" + good,
       {"delivered 250 Ok", "deferred 552 Too many"},
       true},
      {"all refused and DATA too",
       "S: 250 Ok\nS: 550 a\nS: 450 b\nS: 554 No recipients\n",
       {"failed 550 a", "deferred 450 b"},
       true},
      {"all refused but DATA goes ahead",
       "S: 250 Ok\nS: 550 a\nS: 550 b\nS: 354 Go\nC: .\nS: 554 Nothing\n",
       {"failed 550 a", "failed 550 b"},
       true},
      {"sender refused",
       "S: 550 5.7.1 Bad\nS: 503 x\nS: 503 y\nS: 503 z\n",
       {"failed 550 5.7.1 Bad", "failed 550 5.7.1 Bad"},
       true},
      {"sender refused, the rest accepted all the same",
       "S: 451 Later\nS: 250 x\nS: 250 y\nS: 354 z\nC: .\nS: 250 Ok\n",
       {"deferred 451 Later", "deferred 451 Later"},
       true},
      {"DATA refused",
       "S: 250 Ok\nS: 250 Ok\nS: 550 b\nS: 451 4.3.0 Full\n",
       {"deferred 451 4.3.0 Full", "failed 550 b"},
       true},
      {"421 at MAIL", "S: 421 Bye\n", {"deferred 421 Bye", "deferred 421 Bye"}, false},
      {"421 at a recipient",
       "S: 250 Ok\nS: 550 a\nS: 421 Bye\n",
       {"failed 550 a", "deferred 421 Bye"},
       false},
      {"421 at DATA",
       "S: 250 Ok\nS: 250 Ok\nS: 550 b\nS: 421 Bye\n",
       {"deferred 421 Bye", "failed 550 b"},
       false},
      {"closed after MAIL",
       "S: 250 Ok\nCLOSE\n",
       {"deferred 451 4.4.2 Connection closed (RCPT)",
        "deferred 451 4.4.2 Connection closed (RCPT)"},
       false},
      {"closed before DATA's reply",
       "S: 250 Ok\nS: 550 a\nS: 250 Ok\nCLOSE\n",
       {"failed 550 a", "deferred 451 4.4.2 Connection closed (DATA)"},
       false},
      {"garbage",
       "S: 250 Ok\nS: 550 a\nS: what?\n",
       {"deferred 451 4.5.0 Remote host broke the protocol (RCPT)",
        "deferred 451 4.5.0 Remote host broke the protocol (RCPT)"},
       false},
      {"354 to a recipient",
       "S: 250 Ok\nS: 550 a\nS: 354 Go\nS: 250 Ok\n",
       {"deferred 451 4.5.0 Remote host broke the protocol (RCPT)",
        "deferred 451 4.5.0 Remote host broke the protocol (RCPT)"},
       false},
      {"250 to DATA",
       "S: 250 Ok\nS: 250 Ok\nS: 250 Ok\nS: 250 Ok\n",
       {"deferred 451 4.5.0 Remote host broke the protocol (DATA)",
        "deferred 451 4.5.0 Remote host broke the protocol (DATA)"},
       false},
      {"one reply too many",
       "S: 250 Ok\nS: 550 a\nS: 250 Ok\nS: 354 Go\nS: 250 Ok\n",
       {"deferred 451 4.5.0 Remote host broke the protocol (DATA)",
        "deferred 451 4.5.0 Remote host broke the protocol (DATA)"},
       false},
  };
  for (const auto& [name, replies, outcomes, reusable] : cases) {
    SCOPED_TRACE(name);
    EXPECT_EQ(deliver(kPipelining + kEnvelope2 + replies + (reusable ? kQuit : ""), 2), outcomes);
    EXPECT_EQ(reusable_, reusable);
  }
}

TEST_F(ClientTest, says_nothing_more_once_it_is_in_vain_without_pipelining) {
  EXPECT_THAT(deliver(kPlain + "C: MAIL FROM:<s@a.example>\nS: 550 No\n" + kQuit, 2),
              ElementsAre("failed 550 No", "failed 550 No"));
  EXPECT_THAT(deliver(kPlain +
                          "C: MAIL FROM:<s@a.example>\nS: 250 Ok\n"
                          "C: RCPT TO:<r1@b.example>\nS: 550 No\n" +
                          kQuit,
                      1),
              ElementsAre("failed 550 No"));
  EXPECT_TRUE(attempts_.empty());
}

struct FinalCase {
  std::string name;
  std::string after_dot;
  std::string outcome;
  bool reusable;
};

TEST_F(ClientTest, settles_all_accepted_recipients_by_the_reply_to_the_dot) {
  const std::vector<FinalCase> cases{
      {"transient", "S: 451 4.2.0 Later\n", "deferred 451 4.2.0 Later", true},
      {"permanent", "S: 554 5.7.1 Spam\n", "failed 554 5.7.1 Spam", true},
      {"421", "S: 421 Bye\n", "deferred 421 Bye", false},
      {"accepted, then 421", "S: 250 Ok\nS: 421 Enough\n", "delivered 250 Ok", false},
      {"go-ahead", "S: 354 Go\n", "deferred 451 4.5.0 Remote host broke the protocol (end of data)",
       false},
      {"two replies", "S: 250 Ok\nS: 550 No\n",
       "deferred 451 4.5.0 Remote host broke the protocol (end of data)", false},
      {"garbage", "S: 25\n",
       "deferred 451 4.5.0 Remote host broke the protocol (end of data, result unknown)", false},
      {"closed", "CLOSE\n", "deferred 451 4.4.2 Connection closed (end of data, result unknown)",
       false},
  };
  for (const auto& [name, after_dot, outcome, reusable] : cases) {
    SCOPED_TRACE(name);
    EXPECT_THAT(deliver(kPipelining +
                            "C: MAIL FROM:<s@a.example>\nC: RCPT TO:<r1@b.example>\nC: DATA\n"
                            "S: 250 Ok\nS: 250 Ok\nS: 354 Go\nDATA\n" +
                            after_dot + (reusable ? kQuit : ""),
                        1),
                ElementsAre(outcome));
    EXPECT_EQ(reusable_, reusable);
  }
  EXPECT_EQ(attempts_.size(), cases.size());
}

TEST_F(ClientTest, a_silent_peer_times_out_at_each_step) {
  struct Case {
    config::seconds config::Timeouts::* timeout;
    std::string dialogue;
    std::string outcome;
  };
  const std::vector<Case> cases{
      {&config::Timeouts::mail, "C: MAIL*\n", "deferred 451 4.4.2 Timed out (MAIL)"},
      {&config::Timeouts::rcpt, "C: MAIL*\nS: 250 Ok\nC: RCPT*\n",
       "deferred 451 4.4.2 Timed out (RCPT)"},
      {&config::Timeouts::data, "C: MAIL*\nS: 250 Ok\nC: RCPT*\nS: 250 Ok\nC: DATA\n",
       "deferred 451 4.4.2 Timed out (DATA)"},
      {&config::Timeouts::final_dot,
       "C: MAIL*\nS: 250 Ok\nC: RCPT*\nS: 250 Ok\nC: DATA\nS: 354 Go\nDATA\n",
       "deferred 451 4.4.2 Timed out (end of data, result unknown)"},
  };
  for (const auto& [timeout, dialogue, outcome] : cases) {
    timeouts_ = {};
    timeouts_.*timeout = config::seconds(0);
    EXPECT_THAT(deliver(kPlain + dialogue + "STALL\n", 1), ElementsAre(outcome));
    EXPECT_FALSE(reusable_);
  }
}

TEST_F(ClientTest, an_endless_reply_is_cut_off) {
  std::string flood = "S: 250 Ok\n";
  for (int i = 0; i < 200; ++i) flood += "S: 550-More\n";
  EXPECT_THAT(deliver(kPlain + "C: MAIL*\n" + flood + "STALL\n", 1),
              ElementsAre("deferred 451 4.5.0 Remote host broke the protocol (RCPT)"));
}

TEST_F(ClientTest, declares_what_the_peer_offers) {
  test::ScriptedServer server(
      {greet({"PIPELINING", "SIZE 1000", "8BITMIME", "SMTPUTF8", "DSN"}) +
       "C: MAIL FROM:<> SIZE=21 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=e1\n"
       "C: RCPT TO:<r1@b.example> NOTIFY=FAILURE ORCPT=rfc822;o@b.example\nC: DATA\n"
       "S: 250 Ok\nS: 250 Ok\nS: 354 Go\nDATA\nS: 250 Ok\n"});
  auto opened = open(options(server));
  ASSERT_TRUE(opened);
  Transaction transaction = message(1);
  transaction.sender.reset();
  transaction.has_eight_bit = transaction.utf8 = transaction.utf8_header = true;
  transaction.dsn_return = "HDRS";
  transaction.envelope_id = "e1";
  transaction.recipients[0].dsn = {"FAILURE", "rfc822;o@b.example"};
  EXPECT_THAT(send(**opened, std::move(transaction)), ElementsAre("delivered 250 Ok"));
  opened->reset();
  EXPECT_EQ(server.finish(), "");
}

TEST_F(ClientTest, what_the_peer_can_not_take_fails_without_a_word) {
  test::ScriptedServer server({greet({"SIZE 100"}) + kQuit});
  auto opened = open(options(server));
  ASSERT_TRUE(opened);
  Transaction eight_bit = message(1);
  eight_bit.has_eight_bit = true;
  Transaction utf8 = message(1);
  utf8.utf8 = utf8.utf8_header = true;
  Transaction require_tls = message(1);
  require_tls.require_tls = true;
  EXPECT_THAT(send(**opened, std::move(eight_bit)),
              ElementsAre("failed 554 5.6.3 Remote host does not accept 8-bit mail (not sent)"));
  EXPECT_THAT(
      send(**opened, std::move(utf8)),
      ElementsAre(
          "failed 554 5.6.7 Remote host does not accept internationalised mail (not sent)"));
  EXPECT_THAT(send(**opened, message(1, std::string(200, 'x'))),
              ElementsAre("failed 552 5.3.4 Message too big for the remote host (not sent)"));
  EXPECT_THAT(send(**opened, std::move(require_tls)),
              ElementsAre("failed 550 5.7.30 REQUIRETLS: remote host is not authenticated or does "
                          "not offer it (not sent)"));
  EXPECT_TRUE((*opened)->is_reusable());
  test::run_task(loop_, (*opened)->quit());
  EXPECT_EQ(server.finish(), "");
}

TEST_F(ClientTest, without_smtputf8_only_the_addresses_that_need_it_fail) {
  test::ScriptedServer server(
      {greet({"PIPELINING", "DSN"}) +
       "C: MAIL FROM:<s@a.example>\n"
       "C: RCPT TO:<r1@b.example>\n"
       "C: RCPT TO:<r3@xn--b-eha.example> ORCPT=utf-8;\\x{FC}@b.example\nC: DATA\n"
       "S: 250 Ok\nS: 550 No\nS: 250 Ok\nS: 354 Go\nDATA\nS: 250 Ok\n"});
  auto opened = open(options(server));
  ASSERT_TRUE(opened);
  Transaction transaction = message(3);
  transaction.utf8 = true;
  transaction.recipients[1].address.local = "r\xc3\xbc";
  transaction.recipients[2].address.domain = *Domain::parse("b\xc3\xbc.example");
  transaction.recipients[2].dsn.original_recipient = "utf-8;\xc3\xbc@b.example";
  EXPECT_THAT(
      send(**opened, std::move(transaction)),
      ElementsAre("failed 550 No",
                  "failed 554 5.6.7 Remote host does not accept internationalised mail (not sent)",
                  "delivered 250 Ok"));
  EXPECT_THAT(attempts_, ElementsAre(ElementsAre(2U)));
  opened->reset();
  EXPECT_EQ(server.finish(), "");
}

TEST_F(ClientTest, a_sender_that_needs_smtputf8_fails_without_it) {
  test::ScriptedServer server({greet({}) + kQuit});
  auto opened = open(options(server));
  ASSERT_TRUE(opened);
  Transaction transaction = message(1);
  transaction.utf8 = true;
  transaction.sender->local = "s\xc3\xbc";
  EXPECT_THAT(
      send(**opened, std::move(transaction)),
      ElementsAre(
          "failed 554 5.6.7 Remote host does not accept internationalised mail (not sent)"));
  test::run_task(loop_, (*opened)->quit());
  EXPECT_EQ(server.finish(), "");
}

TEST_F(ClientTest, a_report_about_requiretls_mail_goes_to_a_peer_without_it) {
  test::ScriptedServer server({kPipelining + "C: MAIL FROM:<>\nC: RCPT TO:<r1@b.example>\nC: DATA\n"
                                             "S: 250 Ok\nS: 250 Ok\nS: 354 Go\nDATA\nS: 250 Ok\n"});
  auto opened = open(options(server));
  ASSERT_TRUE(opened);
  Transaction transaction = message(1);
  transaction.sender.reset();
  transaction.require_tls = true;
  EXPECT_THAT(send(**opened, std::move(transaction)), ElementsAre("delivered 250 Ok"));
  opened->reset();
  EXPECT_EQ(server.finish(), "");
}

TEST_F(ClientTest, an_address_with_a_line_break_is_never_sent) {
  test::ScriptedServer server({kPipelining + kQuit});
  auto opened = open(options(server));
  ASSERT_TRUE(opened);
  Transaction transaction = message(1);
  transaction.recipients[0].address.local = "x>\r\nRCPT TO:<y";
  EXPECT_THAT(send(**opened, std::move(transaction)),
              ElementsAre("deferred 451 4.3.0 Local error in processing (envelope)"));
  test::run_task(loop_, (*opened)->quit());
  EXPECT_EQ(server.finish(), "");
}

}  // namespace
}  // namespace signet::deliver
