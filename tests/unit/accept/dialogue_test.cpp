#include "relay/accept/dialogue.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "relay/smtp/reply.hpp"

namespace signet::accept {
namespace {

Rules open_rules() {
  return Rules{.hostname = "relay.example",
               .offers_starttls = true,
               .mechanisms = {.passwords = true, .scram = false, .channel_binding = {}},
               .message_bytes = 1000,
               .recipients = 2,
               .junk_commands = 100};
}

/// Answers every question with yes; the text of the reply.
std::string tell(Dialogue& dialogue, std::string_view line) {
  Action action = dialogue.on_line(line);
  if (const auto* say = std::get_if<Say>(&action)) return say->reply;
  if (auto* ask = std::get_if<AskSender>(&action)) {
    return dialogue.on_sender(std::move(ask->sender)).reply;
  }
  if (std::holds_alternative<AskRecipient>(action)) return dialogue.on_recipient({}).reply;
  if (std::holds_alternative<Authenticate>(action)) return dialogue.on_authenticated({}).reply;
  if (std::holds_alternative<StartTls>(action)) {
    dialogue.on_tls_started({});
    return Dialogue::invite_tls().reply;
  }
  if (const auto* chunk = std::get_if<TakeChunk>(&action)) {
    if (chunk->refused) return dialogue.on_refused_chunk(Error{*chunk->refused, {}}, false).reply;
    if (chunk->last) return dialogue.on_message(QueueId{1}).reply;
    return dialogue.on_chunk(*chunk).reply;
  }
  static_cast<void>(dialogue.take_envelope());
  return dialogue.on_open({}).reply;
}

constexpr const char* kAuth = "AUTH PLAIN AGFubgBzZWNyZXQ=";

enum State { fresh, helo, ehlo, tls, authenticated, mail, rcpt, states };

Dialogue in_state(State state) {
  Dialogue dialogue(open_rules());
  if (state == helo) tell(dialogue, "HELO client.example");
  if (state >= ehlo) tell(dialogue, "EHLO client.example");
  if (state == tls || state == authenticated) {
    tell(dialogue, "STARTTLS");
    tell(dialogue, "EHLO client.example");
  }
  if (state == authenticated) tell(dialogue, kAuth);
  if (state >= mail) tell(dialogue, "MAIL FROM:<a@example.com>");
  if (state >= rcpt) tell(dialogue, "RCPT TO:<b@example.net>");
  return dialogue;
}

struct CommandCase {
  const char* line;
  std::vector<int> codes;  ///< By State.
};

TEST(DialogueTest, every_command_in_every_state_has_its_reply) {
  //                                fresh helo ehlo tls  auth mail rcpt
  const std::vector<CommandCase> cases{
      {"HELO client.example", {250, 250, 250, 250, 250, 250, 250}},
      {"EHLO client.example", {250, 250, 250, 250, 250, 250, 250}},
      {"EHLO [192.0.2.1]", {250, 250, 250, 250, 250, 250, 250}},
      {"EHLO", {501, 501, 501, 501, 501, 501, 501}},
      {"EHLO a b", {501, 501, 501, 501, 501, 501, 501}},
      {"MAIL FROM:<a@example.com>", {503, 250, 250, 250, 250, 503, 503}},
      {"MAIL FROM:<>", {503, 250, 250, 250, 250, 503, 503}},
      {"MAIL FROM:<a@example.com> SIZE=1000", {503, 555, 250, 250, 250, 503, 503}},
      {"MAIL FROM:<a@example.com> SIZE=1001", {503, 555, 552, 552, 552, 503, 503}},
      {"MAIL FROM:<a@example.com> BODY=8BITMIME", {503, 555, 250, 250, 250, 503, 503}},
      {"MAIL FROM:<a@example.com> SMTPUTF8", {503, 555, 250, 250, 250, 503, 503}},
      {"MAIL FROM:<\xc3\xa4@example.com> SMTPUTF8", {503, 555, 250, 250, 250, 503, 503}},
      {"MAIL FROM:<\xc3\xa4@example.com>", {503, 553, 553, 553, 553, 503, 503}},
      {"MAIL FROM:<a@example.com> RET=FULL ENVID=x", {503, 555, 250, 250, 250, 503, 503}},
      {"MAIL FROM:<a@example.com> RET=SOME", {503, 555, 501, 501, 501, 503, 503}},
      {"MAIL FROM:<a@example.com> REQUIRETLS", {503, 555, 555, 250, 250, 503, 503}},
      {"MAIL FROM:<@a,@b:c@example.com>", {503, 501, 501, 501, 501, 503, 503}},
      {"MAIL FROM: <a@example.com>", {503, 501, 501, 501, 501, 503, 503}},
      {"RCPT TO:<b@example.net>", {503, 503, 503, 503, 503, 250, 250}},
      {"RCPT TO:<postmaster>", {503, 503, 503, 503, 503, 250, 250}},
      {"RCPT TO:<>", {503, 503, 503, 503, 503, 501, 501}},
      {"RCPT TO:<b@example.net> NOTIFY=NEVER", {503, 503, 503, 503, 503, 250, 250}},
      {"RCPT TO:<b@example.net> NOTIFY=NEVER,DELAY", {503, 503, 503, 503, 503, 501, 501}},
      {"RCPT TO:<b@example.net> ORCPT=x", {503, 503, 503, 503, 503, 501, 501}},
      {"RCPT TO:<\xc3\xa4@example.net>", {503, 503, 503, 503, 503, 553, 553}},
      {"DATA", {503, 503, 503, 503, 503, 503, 354}},
      {"DATA x", {501, 501, 501, 501, 501, 501, 501}},
      {"BDAT 10 LAST", {503, 503, 503, 503, 503, 503, 250}},
      {"BDAT 10", {503, 503, 503, 503, 503, 503, 250}},
      {"BDAT", {501, 501, 501, 501, 501, 501, 501}},
      {"BDAT -1 LAST", {501, 501, 501, 501, 501, 501, 501}},
      {"RSET", {250, 250, 250, 250, 250, 250, 250}},
      {"RSET x", {501, 501, 501, 501, 501, 501, 501}},
      {"NOOP anything", {250, 250, 250, 250, 250, 250, 250}},
      {"VRFY ann", {252, 252, 252, 252, 252, 252, 252}},
      {"EXPN list", {502, 502, 502, 502, 502, 502, 502}},
      {"HELP", {214, 214, 214, 214, 214, 214, 214}},
      {"QUIT", {221, 221, 221, 221, 221, 221, 221}},
      {"QUIT x", {501, 501, 501, 501, 501, 501, 501}},
      {"STARTTLS", {503, 503, 220, 503, 503, 503, 503}},
      {"STARTTLS x", {501, 501, 501, 503, 503, 501, 501}},
      {kAuth, {503, 503, 538, 235, 503, 503, 503}},
      {"AUTH PLAIN", {503, 503, 538, 334, 503, 503, 503}},
      {"AUTH CRAM-MD5", {503, 503, 538, 504, 503, 503, 503}},
      {"XYZZY", {500, 500, 500, 500, 500, 500, 500}},
      {"", {500, 500, 500, 500, 500, 500, 500}},
      {"MAILFROM:<a@example.com>", {500, 500, 500, 500, 500, 500, 500}},
  };
  for (const auto& [line, codes] : cases) {
    for (int state = fresh; state < states; ++state) {
      Dialogue dialogue = in_state(static_cast<State>(state));
      const std::string reply = tell(dialogue, line);
      EXPECT_EQ(reply.substr(0, 3), std::to_string(codes[static_cast<std::size_t>(state)]))
          << "'" << line << "' in state " << state << ": " << reply;
      smtp::ReplyReader reader;
      reader.feed(reply);
      EXPECT_TRUE(reader.next()->has_value());
      EXPECT_FALSE(reader.has_leftover());
    }
  }
}

TEST(DialogueTest, announces_what_it_can_do_and_only_that) {
  Dialogue dialogue(open_rules());
  EXPECT_EQ(dialogue.banner(), "220 relay.example ESMTP Signet\r\n");
  EXPECT_EQ(tell(dialogue, "EHLO x"),
            "250-relay.example\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-8BITMIME\r\n"
            "250-SMTPUTF8\r\n250-DSN\r\n250-CHUNKING\r\n250-LIMITS RCPTMAX=2\r\n"
            "250-STARTTLS\r\n250 ENHANCEDSTATUSCODES\r\n");
  tell(dialogue, "STARTTLS");
  EXPECT_EQ(tell(dialogue, "EHLO x"),
            "250-relay.example\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-8BITMIME\r\n"
            "250-SMTPUTF8\r\n250-DSN\r\n250-CHUNKING\r\n250-LIMITS RCPTMAX=2\r\n"
            "250-REQUIRETLS\r\n250-AUTH PLAIN LOGIN\r\n250 ENHANCEDSTATUSCODES\r\n");
  EXPECT_EQ(tell(dialogue, "HELO x"), "250 relay.example\r\n");
}

TEST(DialogueTest, ehlo_rset_and_helo_forget_the_transaction) {
  for (const char* line : {"EHLO x", "HELO x", "RSET"}) {
    Dialogue dialogue = in_state(rcpt);
    EXPECT_TRUE(dialogue.in_transaction());
    tell(dialogue, line);
    EXPECT_FALSE(dialogue.in_transaction()) << line;
    EXPECT_EQ(tell(dialogue, "RCPT TO:<b@example.net>").substr(0, 3), "503") << line;
  }
}

TEST(DialogueTest, a_refused_ehlo_changes_nothing) {
  Dialogue dialogue = in_state(rcpt);
  tell(dialogue, "EHLO -");
  EXPECT_EQ(dialogue.helo(), "client.example");
  EXPECT_EQ(tell(dialogue, "DATA").substr(0, 3), "354");
}

// B15.
TEST(DialogueTest, nothing_said_in_clear_survives_starttls) {
  Dialogue dialogue = in_state(ehlo);
  tell(dialogue, "STARTTLS");
  EXPECT_EQ(dialogue.helo(), "");
  EXPECT_EQ(tell(dialogue, "MAIL FROM:<a@example.com>").substr(0, 3), "503");
  EXPECT_EQ(tell(dialogue, kAuth).substr(0, 3), "503");
}

TEST(DialogueTest, names_the_protocol_as_rfc_3848_does) {
  EXPECT_EQ(in_state(fresh).protocol(), "SMTP");
  EXPECT_EQ(in_state(helo).protocol(), "SMTP");
  EXPECT_EQ(in_state(ehlo).protocol(), "ESMTP");
  EXPECT_EQ(in_state(tls).protocol(), "ESMTPS");
  EXPECT_EQ(in_state(authenticated).protocol(), "ESMTPSA");
}

TEST(DialogueTest, names_the_protocol_of_internationalised_mail_as_rfc_6531_does) {
  Dialogue dialogue = in_state(tls);
  tell(dialogue, "MAIL FROM:<a@example.com> SMTPUTF8");
  EXPECT_EQ(dialogue.protocol(), "UTF8SMTPS");
  tell(dialogue, "RSET");
  EXPECT_EQ(dialogue.protocol(), "ESMTPS");
}

TEST(DialogueTest, data_and_bdat_do_not_mix) {
  Dialogue dialogue = in_state(rcpt);
  EXPECT_EQ(tell(dialogue, "BDAT 10").substr(0, 3), "250");
  for (const char* line : {"DATA", "RCPT TO:<c@example.net>", "MAIL FROM:<a@example.com>", kAuth})
    EXPECT_EQ(tell(dialogue, line).substr(0, 3), "503") << line;
  EXPECT_EQ(tell(dialogue, "BDAT 0 LAST").substr(0, 3), "250");
  EXPECT_EQ(tell(dialogue, "BDAT 0 LAST").substr(0, 3), "503");
}

TEST(DialogueTest, empty_chunks_are_junk) {
  Rules rules = open_rules();
  rules.junk_commands = 3;
  Dialogue dialogue(rules);
  tell(dialogue, "EHLO x");
  tell(dialogue, "MAIL FROM:<a@example.com>");
  tell(dialogue, "RCPT TO:<b@example.net>");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(tell(dialogue, "BDAT 0").substr(0, 3), "250");
  EXPECT_EQ(tell(dialogue, "BDAT 0").substr(0, 3), "421");
}

TEST(DialogueTest, requires_tls_and_auth_before_mail_where_told_to) {
  Rules rules = open_rules();
  rules.requires_tls = true;
  rules.requires_auth = true;
  Dialogue dialogue(rules);
  tell(dialogue, "EHLO x");
  EXPECT_EQ(tell(dialogue, "MAIL FROM:<a@example.com>"),
            "530 5.7.0 Must issue a STARTTLS command first\r\n");
  tell(dialogue, "STARTTLS");
  tell(dialogue, "EHLO x");
  EXPECT_EQ(tell(dialogue, "MAIL FROM:<a@example.com>"), "530 5.7.0 Authentication required\r\n");
  tell(dialogue, kAuth);
  EXPECT_EQ(tell(dialogue, "MAIL FROM:<a@example.com>"), "250 2.1.0 Ok\r\n");
}

TEST(DialogueTest, a_recipient_too_many_is_refused_and_the_others_stay) {
  Dialogue dialogue = in_state(rcpt);
  EXPECT_EQ(tell(dialogue, "RCPT TO:<c@example.net>").substr(0, 3), "250");
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(tell(dialogue, "RCPT TO:<d@example.net>"), "452 4.5.3 Too many recipients\r\n");
  }
  ASSERT_TRUE(std::holds_alternative<OpenData>(dialogue.on_line("DATA")));
  EXPECT_EQ(dialogue.take_envelope().recipients.size(), 2U);
}

TEST(DialogueTest, recipients_too_many_without_end_are_junk) {
  Dialogue dialogue = in_state(rcpt);
  int refused = 0;
  while (refused < 5000 && tell(dialogue, "RCPT TO:<d@example.net>").substr(0, 3) != "421")
    ++refused;
  EXPECT_GE(refused, 1000);
  EXPECT_LT(refused, 1200);
}

TEST(DialogueTest, a_refused_recipient_is_not_in_the_envelope) {
  Dialogue dialogue = in_state(mail);
  ASSERT_TRUE(std::holds_alternative<AskRecipient>(dialogue.on_line("RCPT TO:<b@example.net>")));
  EXPECT_EQ(dialogue.on_recipient(fail(Fault::recipient_not_routable)).reply.substr(0, 3), "550");
  EXPECT_EQ(tell(dialogue, "DATA"), "554 5.5.1 No valid recipients\r\n");
  tell(dialogue, "RCPT TO:<c@example.net>");
  ASSERT_TRUE(std::holds_alternative<OpenData>(dialogue.on_line("DATA")));
  const auto envelope = dialogue.take_envelope();
  ASSERT_EQ(envelope.recipients.size(), 1U);
  EXPECT_EQ(envelope.recipients[0].address.local, "c");
}

TEST(DialogueTest, the_envelope_holds_the_sender_the_door_gave_back) {
  Dialogue dialogue = in_state(ehlo);
  ASSERT_TRUE(std::holds_alternative<AskSender>(
      dialogue.on_line("MAIL FROM:<root@web1.internal> BODY=8BITMIME")));
  static_cast<void>(
      dialogue.on_sender(ReversePath(Mailbox{"root", *Domain::parse("example.com")})));
  tell(dialogue, "RCPT TO:<b@example.net>");
  const auto envelope = dialogue.take_envelope();
  EXPECT_EQ(to_string(envelope.sender), "<root@example.com>");
  EXPECT_TRUE(envelope.eight_bit);
}

TEST(DialogueTest, junk_ends_the_connection_and_a_message_pardons) {
  Rules rules = open_rules();
  rules.junk_commands = 3;
  for (const char* junk : {"NOOP", "RSET", "VRFY x", "HELP", "EHLO x", "BOGUS", "DATA", "EXPN x"}) {
    Dialogue dialogue(rules);
    tell(dialogue, "EHLO x");
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(tell(dialogue, junk).starts_with("421")) << junk;
    static_cast<void>(dialogue.on_message(QueueId{1}));
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(tell(dialogue, junk).starts_with("421")) << junk;
    const Action last = dialogue.on_line(junk);
    EXPECT_EQ(std::get<Say>(last).reply, "421 4.7.0 Too many errors\r\n") << junk;
    EXPECT_TRUE(std::get<Say>(last).hangs_up) << junk;
  }
}

TEST(DialogueTest, three_wrong_passwords_end_the_connection) {
  Dialogue dialogue = in_state(tls);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(std::holds_alternative<Authenticate>(dialogue.on_line(kAuth)));
    const Say answer = dialogue.on_authenticated(fail(Fault::auth_failed));
    EXPECT_EQ(answer.reply, "535 5.7.8 Authentication credentials invalid\r\n");
    EXPECT_FALSE(answer.hangs_up);
  }
  const Say last = dialogue.on_authenticated(fail(Fault::auth_failed));
  EXPECT_EQ(last.reply,
            "535 5.7.8 Authentication credentials invalid\r\n421 4.7.0 Too many errors\r\n");
  EXPECT_TRUE(last.hangs_up);
  EXPECT_EQ(dialogue.user(), "");
}

TEST(DialogueTest, an_auth_server_that_is_away_is_no_wrong_password) {
  Dialogue dialogue = in_state(tls);
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(dialogue.on_authenticated(fail(Fault::auth_unavailable)).hangs_up);
  }
}

TEST(DialogueTest, commands_inside_an_auth_exchange_are_responses) {
  Dialogue dialogue = in_state(tls);
  EXPECT_EQ(tell(dialogue, "AUTH LOGIN"), "334 VXNlcm5hbWU6\r\n");
  EXPECT_EQ(tell(dialogue, "MAIL FROM:<a@example.com>").substr(0, 3), "501");
  EXPECT_EQ(tell(dialogue, "AUTH PLAIN"), "334 \r\n");
  EXPECT_EQ(tell(dialogue, "*"), "501 5.7.0 Authentication cancelled\r\n");
  EXPECT_EQ(tell(dialogue, "MAIL FROM:<a@example.com>").substr(0, 3), "250");
}

TEST(DialogueTest, only_auth_may_be_longer_than_a_command_line) {
  Dialogue dialogue = in_state(tls);
  EXPECT_EQ(tell(dialogue, "NOOP " + std::string(2041, 'x')).substr(0, 3), "250");
  EXPECT_EQ(tell(dialogue, "NOOP " + std::string(2042, 'x')), "500 5.5.2 Line too long\r\n");
  EXPECT_EQ(tell(dialogue, "AUTH PLAIN " + std::string(12000, 'A')).substr(0, 3), "501");
}

TEST(DialogueTest, a_browser_is_hung_up_on_at_once) {
  for (const char* line : {"POST / HTTP/1.1", "GET /x HTTP/1.0"}) {
    Dialogue dialogue(open_rules());
    const Action action = dialogue.on_line(line);
    EXPECT_TRUE(std::get<Say>(action).hangs_up) << line;
  }
}

}  // namespace
}  // namespace signet::accept
