#include "relay/report/dsn.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/scratch_folder.hpp"

namespace signet::report {
namespace {

constexpr WallTime kReceived{std::chrono::seconds(1'772'445'600)};  // 2026-03-02 10:00:00 UTC

DsnRecipient failed(const char* local, const char* reply, const char* enhanced, const char* host) {
  return {{{local, *Domain::parse("b.example")}, {}}, reply, enhanced, host};
}

DsnRequest request() {
  return {DsnKind::failure,
          QueueId{1'234'567},
          {"MAILER-DAEMON", *Domain::parse("a.example")},
          {"sender", *Domain::parse("c.example")},
          "relay.example",
          "",
          kReceived,
          kReceived + std::chrono::hours(2),
          {},
          "From: x@c.example\r\nSubject: hello\r\n",
          {failed("r", "550 5.1.1 No such user", "", "mx.b.example")}};
}

std::string whole(const DsnRequest& dsn) {
  const DsnMessage message = build_dsn(dsn);
  return message.header + "\r\n" + message.body;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void expect_clean(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    ASSERT_TRUE(line.ends_with('\r')) << line;
    line.pop_back();
    EXPECT_LE(line.size(), 998U);
    for (const char c : line) EXPECT_TRUE((c >= ' ' && c <= '~') || c == '\t') << line;
  }
}

// What Python's email package makes of it, one fact a line.
constexpr const char* kParser = R"(
import email, email.policy, sys
m = email.message_from_binary_file(open(sys.argv[1], 'rb'), policy=email.policy.default)
assert not m.defects, m.defects
print(m.get_content_type(), m.get_param('report-type'))
for p in m.iter_parts():
    assert not p.defects, p.defects
    print(p.get_content_type())
for block in m.get_payload()[1].get_payload():
    for name, value in block.items():
        print(name + '=' + ' '.join(str(value).split()))
)";

std::string parse_with_python(const std::string& message) {
  const test::ScratchFolder scratch;
  const std::string out = scratch / "out";
  const std::string command = "/usr/bin/python3 " + scratch.write("parse.py", kParser).string() +
                              " " + scratch.write("message", message).string() + " > " + out;
  if (std::system(command.c_str()) != 0) return "not parsed";
  std::ifstream in(out);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(DsnTest, another_parser_finds_every_field) {
  if (access("/usr/bin/python3", X_OK) != 0) GTEST_SKIP() << "needs /usr/bin/python3";
  DsnRequest dsn = request();
  dsn.envelope_id = "id+2B1";
  dsn.recipients[0].recipient.dsn.original_recipient = "rfc822;o+2Bx@b.example";
  dsn.recipients.push_back(failed("r2", "554 Message expired in the queue", "5.4.7", ""));
  EXPECT_EQ(parse_with_python(whole(dsn)),
            "multipart/report delivery-status\n"
            "text/plain\nmessage/delivery-status\ntext/rfc822-headers\n"
            "Reporting-MTA=dns; relay.example\n"
            "Original-Envelope-Id=id+1\n"
            "Arrival-Date=Mon, 02 Mar 2026 10:00:00 +0000\n"
            "Original-Recipient=rfc822; o+x@b.example\n"
            "Final-Recipient=rfc822; r@b.example\nAction=failed\nStatus=5.1.1\n"
            "Remote-MTA=dns; mx.b.example\nDiagnostic-Code=smtp; 550 5.1.1 No such user\n"
            "Final-Recipient=rfc822; r2@b.example\nAction=failed\nStatus=5.4.7\n"
            "Diagnostic-Code=x-signet; 554 Message expired in the queue\n");
}

TEST(DsnTest, the_header_says_who_and_that_no_reply_is_due) {
  const std::string header = build_dsn(request()).header;
  EXPECT_TRUE(header.starts_with("From: \"Mail Delivery System\" <MAILER-DAEMON@a.example>\r\n"));
  EXPECT_TRUE(holds(header, "\r\nTo: <sender@c.example>\r\n"));
  EXPECT_TRUE(holds(header, "\r\nDate: Mon, 02 Mar 2026 12:00:00 +0000\r\n"));
  EXPECT_TRUE(holds(header, "\r\nAuto-Submitted: auto-replied\r\n"));
  EXPECT_TRUE(holds(header, "\r\nMIME-Version: 1.0\r\n"));
  EXPECT_TRUE(holds(header, "\r\nMessage-ID: <"));
  EXPECT_FALSE(holds(header, "Received:"));
  EXPECT_FALSE(header.ends_with("\r\n\r\n"));
}

TEST(DsnTest, a_delay_says_until_when) {
  DsnRequest dsn = request();
  dsn.kind = DsnKind::delay;
  dsn.will_retry_until = kReceived + std::chrono::hours(120);
  dsn.recipients[0].reply = "451 Later";
  const std::string text = whole(dsn);
  EXPECT_TRUE(holds(text, "\r\nAction: delayed\r\nStatus: 4.0.0\r\n"));
  EXPECT_TRUE(holds(text, "\r\nWill-Retry-Until: Sat, 07 Mar 2026 10:00:00 +0000\r\n"));
}

TEST(DsnTest, a_success_says_whether_it_was_delivered_or_only_passed_on) {
  DsnRequest dsn = request();
  dsn.kind = DsnKind::success;
  dsn.recipients = {failed("r1", "250 2.1.5 Ok", "", ""), failed("r2", "250 Ok", "", "mx.example")};
  dsn.recipients[1].relayed = true;
  const std::string text = whole(dsn);
  EXPECT_TRUE(holds(text, "r1@b.example\r\nAction: delivered\r\nStatus: 2.1.5\r\n"));
  EXPECT_TRUE(holds(text,
                    "r2@b.example\r\nAction: relayed\r\nStatus: 2.0.0\r\n"
                    "Remote-MTA: dns; mx.example\r\n"));
  EXPECT_FALSE(holds(text, "Diagnostic-Code"));
}

TEST(DsnTest, the_whole_message_is_returned_where_it_was_asked_for) {
  DsnRequest dsn = request();
  dsn.original_body = std::make_shared<const std::string>("the body\r\n");
  const DsnMessage seven_bit = build_dsn(dsn);
  EXPECT_TRUE(holds(seven_bit.body,
                    "\r\nContent-Type: message/rfc822\r\n\r\nFrom: x@c.example\r\n"
                    "Subject: hello\r\n\r\nthe body\r\n\r\n--"));
  EXPECT_FALSE(seven_bit.eight_bit);
  dsn.original_body = std::make_shared<const std::string>("\xc3\xbc\r\n");
  const DsnMessage eight_bit = build_dsn(dsn);
  EXPECT_TRUE(eight_bit.eight_bit);
  EXPECT_FALSE(eight_bit.utf8);
  EXPECT_TRUE(holds(eight_bit.header, "\r\nContent-Transfer-Encoding: 8bit\r\n"));
  EXPECT_TRUE(holds(eight_bit.body,
                    "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"));
}

TEST(DsnTest, internationalised_mail_is_reported_as_rfc_6533_says) {
  DsnRequest dsn = request();
  dsn.utf8 = true;
  dsn.original_header =
      "Subject: gr\xc3\xbc\xc3\x9f"
      "e \xff\r\n";
  dsn.recipients[0].recipient.address.local = "\xe7\x94\xb2";
  dsn.recipients[0].recipient.dsn.original_recipient = R"(utf-8;\x{7532}@b.example)";
  const DsnMessage message = build_dsn(dsn);
  EXPECT_TRUE(holds(message.body,
                    "\r\nContent-Type: message/global-delivery-status\r\n"
                    "Content-Transfer-Encoding: 8bit\r\n\r\n"));
  EXPECT_TRUE(holds(message.body,
                    "\r\nOriginal-Recipient: utf-8; \xe7\x94\xb2@b.example\r\n"
                    "Final-Recipient: utf-8; \xe7\x94\xb2@b.example\r\n"));
  EXPECT_TRUE(holds(message.body, "\r\nContent-Type: message/global-headers\r\n"));
  EXPECT_TRUE(holds(message.body,
                    "\r\nSubject: gr\xc3\xbc\xc3\x9f"
                    "e ?\r\n"));
  EXPECT_TRUE(message.eight_bit);
  EXPECT_FALSE(message.utf8) << "nothing beyond ASCII in its own header";
}

TEST(DsnTest, a_sender_beyond_ascii_needs_smtputf8) {
  DsnRequest dsn = request();
  dsn.utf8 = true;
  dsn.to.local = "s\xc3\xbc";
  const DsnMessage message = build_dsn(dsn);
  EXPECT_TRUE(message.utf8);
  EXPECT_TRUE(holds(message.header, "\r\nTo: <s\xc3\xbc@c.example>\r\n"));
}

TEST(DsnTest, mail_that_is_all_ascii_is_reported_in_ascii) {
  DsnRequest dsn = request();
  dsn.utf8 = true;
  expect_clean(whole(dsn));
  dsn.utf8 = false;
  dsn.recipients[0].recipient.dsn.original_recipient = R"(utf-8;\x{7532}@b.example)";
  EXPECT_TRUE(holds(whole(dsn), "\r\nOriginal-Recipient: utf-8; \\x{7532}@b.example\r\n"));
}

TEST(DsnTest, the_status_comes_from_the_reply_when_it_has_one) {
  struct Case {
    std::string reply;
    std::string enhanced;
    std::string status;
  };
  for (const auto& [reply, enhanced, status] : std::vector<Case>{
           {"550 5.1.1 No", "", "5.1.1"},
           {"550 5.1.1 No", "5.7.26", "5.7.26"},
           {"550 No", "", "5.0.0"},
           {"450 4.2 No", "", "4.0.0"},
           {"550 5.1.1\r\nX: y", "", "5.0.0"},
           {"550 5.1.1", "5.1.1\r\nX: y", "5.1.1"},
           {"550", "", "5.0.0"},
           {"", "", "5.0.0"},
       }) {
    DsnRequest dsn = request();
    dsn.recipients[0].reply = reply;
    dsn.recipients[0].enhanced = enhanced;
    EXPECT_TRUE(holds(whole(dsn), "\r\nStatus: " + status + "\r\n")) << reply;
  }
}

TEST(DsnTest, nothing_a_peer_or_a_client_said_breaks_out) {
  DsnRequest dsn = request();
  dsn.recipients[0].reply = "550 5.1.1 a\r\n\r\nX-Evil: 1\r\n\x01\x80" + std::string(3000, 'x') +
                            " " + std::string(500, 'y');
  dsn.recipients[0].remote_host = "evil\r\nX-Evil: 2";
  dsn.recipients[0].recipient.dsn.original_recipient = "rfc822;a+0D+0AX-Evil:+203";
  dsn.envelope_id = "a+0D+0AX-Evil:+204";
  dsn.original_header = "Subject: \xC3\xA9\x01\r\nLong: " + std::string(5000, 'z') + "\r\n";
  const std::string text = whole(dsn);
  expect_clean(text);
  EXPECT_FALSE(holds(text, "\nX-Evil"));
}

TEST(DsnTest, the_original_header_is_cut_at_a_line) {
  DsnRequest dsn = request();
  dsn.original_header.clear();
  for (int i = 0; i < 1000; ++i) dsn.original_header += "X-Field: " + std::string(90, 'x') + "\r\n";
  const std::string body = build_dsn(dsn).body;
  EXPECT_LT(body.size(), 34U << 10U);
  EXPECT_GT(body.size(), 32U << 10U);
  expect_clean(body);
  EXPECT_TRUE(holds(body, std::string(90, 'x') + "\r\n\r\n--"));
}

TEST(DsnTest, the_body_of_the_original_is_left_out) {
  DsnRequest dsn = request();
  dsn.original_header += "\r\nsecret body\r\n";
  EXPECT_FALSE(holds(whole(dsn), "secret body"));
}

TEST(DsnTest, the_boundary_is_not_in_the_content) {
  DsnRequest dsn = request();
  const std::string first = build_dsn(dsn).body;
  const std::string boundary = first.substr(2, first.find("\r\n") - 2);
  dsn.original_header = "X: " + boundary + "\r\n--" + boundary + "--\r\n";
  const std::string second = build_dsn(dsn).body;
  EXPECT_FALSE(second.starts_with("--" + boundary + "\r\n"));
}

}  // namespace
}  // namespace signet::report
