#include "relay/submission.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace signet::submission {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const Origin kOrigin{.user = "www-data",
                     .full_name = "Web \"Server\"",
                     .host = "web01.internal",
                     .now = WallTime{std::chrono::seconds(1'700'000'000)}};

Submission prepared(const std::vector<std::string>& arguments, std::string_view input) {
  const auto options = parse_options(arguments);
  EXPECT_TRUE(options);
  const auto made = prepare(*options, kOrigin, input);
  EXPECT_TRUE(made) << made.error().detail;
  return *made;
}

std::string refusal(const std::vector<std::string>& arguments, std::string_view input) {
  const auto options = parse_options(arguments);
  if (!options) return options.error().detail;
  const auto made = prepare(*options, kOrigin, input);
  return made ? "" : std::string(row(made.error().fault).name);
}

TEST(SubmissionTest, takes_the_options_of_sendmail) {
  const auto options = parse_options({"-t", "-i", "-fa@example.com", "-F", "A B", "-oem", "-odb",
                                      "-bm", "-N", "never", "-Am", "--", "-x@example.com"});
  ASSERT_TRUE(options);
  EXPECT_TRUE(options->takes_recipients_of_header);
  EXPECT_TRUE(options->ignores_dots);
  EXPECT_EQ(options->sender, "a@example.com");
  EXPECT_EQ(options->full_name, "A B");
  EXPECT_THAT(options->recipients, ElementsAre("-x@example.com"));
  EXPECT_TRUE(parse_options({"-ti"})->takes_recipients_of_header);
  EXPECT_TRUE(parse_options({"-oi"})->ignores_dots);
  EXPECT_FALSE(parse_options({"-t"})->ignores_dots);
  EXPECT_EQ(parse_options({"-r", "b@x"})->sender, "b@x");
  EXPECT_EQ(parse_options({"--server", "unix:/x"})->server, "unix:/x");
}

TEST(SubmissionTest, says_what_it_is_not_for) {
  EXPECT_THAT(refusal({"-bs"}, ""), HasSubstr("not for"));
  EXPECT_THAT(refusal({"-bp"}, ""), HasSubstr("signet queue list"));
  EXPECT_THAT(refusal({"-q"}, ""), HasSubstr("queue"));
  EXPECT_THAT(refusal({"-f"}, ""), HasSubstr("needs a value"));
  EXPECT_THAT(refusal({"-Z"}, ""), HasSubstr("unknown option"));
  EXPECT_EQ(refusal({}, "x\n"), "no_valid_recipients");
  EXPECT_EQ(refusal({"-t"}, "Subject: x\n\nx\n"), "no_valid_recipients");
  EXPECT_EQ(refusal({"-t"}, "To: <a@b\n\nx\n"), "header_malformed");
  EXPECT_THAT(refusal({"a@b>\r\nRCPT TO:<c@d"}, "x\n"), HasSubstr("bad_parameter"));
}

TEST(SubmissionTest, takes_recipients_of_the_header_and_hides_the_blind_ones) {
  const auto made = prepared({"-t", "-i", "more@example.net"},
                             "From: a@example.com\n"
                             "To: \"B, C\" <b@example.net>, root (the admin),\n\tc@example.net\n"
                             "Cc: Friends: d@example.net, <e@example.net>;\n"
                             "bcc: f@example.net\n"
                             "\nbody\n");
  EXPECT_THAT(made.recipients,
              ElementsAre("more@example.net", "b@example.net", "root@web01.internal",
                          "c@example.net", "d@example.net", "e@example.net", "f@example.net"));
  EXPECT_THAT(made.message, Not(HasSubstr("f@example.net")));
  EXPECT_THAT(made.message, HasSubstr("To: \"B, C\" <b@example.net>, root (the admin),\r\n\tc@"));
}

TEST(SubmissionTest, resent_fields_come_first) {
  const auto made = prepared({"-t"}, "To: a@x.example\nResent-To: b@x.example\n\n");
  EXPECT_THAT(made.recipients, ElementsAre("b@x.example"));
}

TEST(SubmissionTest, adds_what_cron_leaves_out) {
  const auto made = prepared({"root"}, "Subject: Cron <root@web01> true\n\nout\n");
  EXPECT_EQ(made.sender, "www-data@web01.internal");
  EXPECT_EQ(made.message,
            "Subject: Cron <root@web01> true\r\n"
            "From: \"Web \\\"Server\\\"\" <www-data@web01.internal>\r\n"
            "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n\r\nout\r\n");
}

TEST(SubmissionTest, leaves_a_complete_message_alone) {
  const std::string_view message = "From: a@x.example\r\nDate: x\r\n\r\n..\r\n.\r\nend\r\n";
  EXPECT_EQ(prepared({"-i", "b@x.example"}, message).message, message);
  EXPECT_FALSE(prepared({"-i", "b@x.example"}, message).has_eight_bit);
  EXPECT_TRUE(prepared({"b@x.example"}, "Subject: x\n\n\xc3\xa9").has_eight_bit);
}

TEST(SubmissionTest, a_lone_dot_ends_it_unless_told_otherwise) {
  const std::string_view message = "From: a@x.example\nDate: x\n\nbefore\n.\nafter\n";
  EXPECT_THAT(prepared({"b@x.example"}, message).message, Not(HasSubstr("after")));
  EXPECT_THAT(prepared({"-oi", "b@x.example"}, message).message, HasSubstr(".\r\nafter\r\n"));
}

TEST(SubmissionTest, text_without_a_header_is_a_body) {
  EXPECT_THAT(prepared({"b@x.example"}, "just text\nmore: text\n").message,
              ::testing::EndsWith("\r\n\r\njust text\r\nmore: text\r\n"));
  EXPECT_THAT(prepared({"b@x.example"}, "From www-data Mon\nSubject: x\n\nx").message,
              StartsWith("Subject: x\r\n"));
  EXPECT_THAT(prepared({"b@x.example"}, "Subject: x\nno field\n").message,
              ::testing::EndsWith("\r\n\r\nno field\r\n"));
}

TEST(SubmissionTest, the_null_sender_is_empty) {
  const auto made = prepared({"-f", "<>", "b@x.example"}, "x\n");
  EXPECT_EQ(made.sender, "");
  EXPECT_THAT(made.message, HasSubstr("<www-data@web01.internal>"));
}

}  // namespace
}  // namespace signet::submission
