#include <gtest/gtest.h>

#include <vector>

#include "relay/smtp/command.hpp"

namespace signet::smtp {
namespace {

constexpr Offered kAll{
    .size = true, .eight_bit = true, .utf8 = true, .dsn = true, .auth = true, .require_tls = true};

Domain hostname() { return Domain::parse("relay.example").value(); }

TEST(Mail, takes_the_path_and_every_parameter) {
  const auto mail = parse_mail(
      "from:<a@b.example> size=1000 BODY=8BITMIME RET=hdrs ENVID=QQ+2B314 AUTH=<> SMTPUTF8 "
      "requiretls",
      kAll);
  ASSERT_TRUE(mail);
  EXPECT_EQ(to_string(mail->sender), "<a@b.example>");
  EXPECT_EQ(mail->size, 1000U);
  EXPECT_TRUE(mail->eight_bit);
  EXPECT_TRUE(mail->utf8);
  EXPECT_EQ(mail->dsn_return, "HDRS");
  EXPECT_EQ(mail->envelope_id, "QQ+2B314");
  EXPECT_EQ(mail->auth, "<>");
  EXPECT_TRUE(mail->require_tls);
}

TEST(Mail, takes_the_null_reverse_path) {
  const auto mail = parse_mail("FROM:<>", Offered{});
  ASSERT_TRUE(mail);
  EXPECT_FALSE(mail->sender);
  EXPECT_FALSE(mail->size);
  EXPECT_FALSE(mail->eight_bit);
}

TEST(Mail, angle_bracket_in_a_quoted_local_part_does_not_end_the_path) {
  const auto mail = parse_mail(R"(FROM:<"a> SIZE=1"@b.example> SIZE=2)", kAll);
  ASSERT_TRUE(mail);
  EXPECT_EQ(mail->sender->local, R"("a> SIZE=1")");
  EXPECT_EQ(mail->size, 2U);
}

struct Refusal {
  std::string_view argument;
  Fault fault;
};

TEST(Mail, refuses_with_the_fault_that_fits) {
  const std::vector<Refusal> rows{
      {"", Fault::bad_parameter},
      {"TO:<a@b.example>", Fault::bad_parameter},
      {"FROM: <a@b.example>", Fault::bad_sender},
      {" FROM:<a@b.example>", Fault::bad_parameter},
      {"FROM:a@b.example", Fault::bad_sender},
      {"FROM:<a@b.example", Fault::bad_sender},
      {"FROM:<a@b.example>x", Fault::bad_sender},
      {"FROM:<a@b.example>SIZE=1", Fault::bad_sender},
      {"FROM:<a@b.example>b@c.example", Fault::bad_sender},
      {"FROM:<<a@b.example>>", Fault::bad_sender},
      {"FROM:<@x.example,@y.example:a@b.example>", Fault::bad_sender},
      {"FROM:<a@b.example,c@d.example>", Fault::bad_sender},
      {"FROM:<a@b@c.example>", Fault::bad_sender},
      {"FROM:<a@[192.0.2.1]>", Fault::bad_sender},
      {"FROM:< >", Fault::bad_sender},
      {"FROM:<postmaster>", Fault::bad_sender},
      {"FROM:<a@b\xc3\xbc.example>", Fault::utf8_not_offered},
      {"FROM:<\xc3\xbc@b.example>", Fault::utf8_not_offered},
      {"FROM:<a@b.example> SIZE", Fault::bad_parameter},
      {"FROM:<a@b.example> SIZE=", Fault::bad_parameter},
      {"FROM:<a@b.example> SIZE=-1", Fault::bad_parameter},
      {"FROM:<a@b.example> SIZE=1x", Fault::bad_parameter},
      {"FROM:<a@b.example> SIZE=18446744073709551616", Fault::bad_parameter},
      {"FROM:<a@b.example> SIZE=000000000000000000001", Fault::bad_parameter},
      {"FROM:<a@b.example> SIZE=1 size=1", Fault::bad_parameter},
      {"FROM:<a@b.example> BODY=BINARYMIME", Fault::bad_parameter},
      {"FROM:<a@b.example> BODY", Fault::bad_parameter},
      {"FROM:<a@b.example> SMTPUTF8=1", Fault::bad_parameter},
      {"FROM:<a@b.example> REQUIRETLS=yes", Fault::bad_parameter},
      {"FROM:<a@b.example> RET=BOTH", Fault::bad_parameter},
      {"FROM:<a@b.example> ENVID=a+0Ab", Fault::bad_parameter},
      {"FROM:<a@b.example> ENVID=a+2b", Fault::bad_parameter},
      {"FROM:<a@b.example> AUTH=a+", Fault::bad_parameter},
      {"FROM:<a@b.example> =x", Fault::bad_parameter},
      {"FROM:<a@b.example>  SIZE=1", Fault::bad_parameter},
      {"FROM:<a@b.example> X=1", Fault::unknown_parameter},
      {"FROM:<a@b.example> XVERP", Fault::unknown_parameter},
      {"FROM:<a@b.example> NOTIFY=NEVER", Fault::unknown_parameter},
  };
  for (const Refusal& row : rows) {
    const auto mail = parse_mail(row.argument, kAll);
    ASSERT_FALSE(mail) << row.argument;
    EXPECT_EQ(mail.error().fault, row.fault) << row.argument << ": " << mail.error().detail;
  }
}

TEST(Mail, knows_only_the_parameters_that_were_offered) {
  const Offered none{.size = false, .eight_bit = false};
  for (const std::string_view argument :
       {"FROM:<a@b.example> SIZE=1", "FROM:<a@b.example> BODY=7BIT", "FROM:<a@b.example> RET=FULL",
        "FROM:<a@b.example> ENVID=x", "FROM:<a@b.example> AUTH=<>", "FROM:<a@b.example> SMTPUTF8",
        "FROM:<a@b.example> REQUIRETLS"}) {
    const auto mail = parse_mail(argument, none);
    ASSERT_FALSE(mail) << argument;
    EXPECT_EQ(mail.error().fault, Fault::unknown_parameter) << argument;
  }
}

TEST(Mail, envelope_id_is_capped) {
  EXPECT_TRUE(parse_mail("FROM:<> ENVID=" + std::string(100, 'x'), kAll));
  EXPECT_FALSE(parse_mail("FROM:<> ENVID=" + std::string(101, 'x'), kAll));
}

TEST(Rcpt, takes_the_path_and_dsn_parameters) {
  const auto rcpt = parse_rcpt("TO:<a@B.example> NOTIFY=Success,DELAY ORCPT=rfc822;a+2Bb@b.example",
                               kAll, hostname());
  ASSERT_TRUE(rcpt);
  EXPECT_EQ(rcpt->address.to_string(), "a@b.example");
  EXPECT_EQ(rcpt->dsn.notify, "SUCCESS,DELAY");
  EXPECT_EQ(rcpt->dsn.original_recipient, "rfc822;a+2Bb@b.example");
}

TEST(Rcpt, takes_an_original_recipient_of_rfc_6533) {
  const std::string raw = "TO:<a@b.example> ORCPT=utf-8;\xc3\xbc@b.example";
  const std::string escaped = R"(TO:<a@b.example> ORCPT=UTF-8;\x{FC}@b.example)";
  const Offered ascii{.dsn = true};
  EXPECT_EQ(parse_rcpt(raw, kAll, hostname())->dsn.original_recipient, "utf-8;\xc3\xbc@b.example");
  EXPECT_TRUE(parse_rcpt(escaped, kAll, hostname()));
  EXPECT_TRUE(parse_rcpt(escaped, ascii, hostname()));
  EXPECT_FALSE(parse_rcpt(raw, ascii, hostname()));
  EXPECT_FALSE(parse_rcpt("TO:<a@b.example> ORCPT=utf-8;a+2Bb", kAll, hostname()));
}

TEST(Rcpt, takes_the_xtext_of_utf8_that_postfix_sends_with_smtputf8) {
  const std::string postfix = "TO:<a@b.example> ORCPT=rfc822;+E7+94+B2@b.example";
  EXPECT_TRUE(parse_rcpt(postfix, kAll, hostname()));
  EXPECT_FALSE(parse_rcpt(postfix, Offered{.dsn = true}, hostname()));
  for (const char* bad : {"+E7+94@b.example", "+C2+85+0A@b.example", "+00"})
    EXPECT_FALSE(parse_rcpt("TO:<a@b.example> ORCPT=rfc822;" + std::string(bad), kAll, hostname()))
        << bad;
}

TEST(Rcpt, original_recipient_is_capped) {
  const std::string at_cap = "TO:<a@b.example> ORCPT=rfc822;" + std::string(493, 'x');
  EXPECT_TRUE(parse_rcpt(at_cap, kAll, hostname()));
  EXPECT_FALSE(parse_rcpt(at_cap + "x", kAll, hostname()));
}

TEST(Rcpt, takes_utf8_only_after_smtputf8) {
  const auto rcpt = parse_rcpt("TO:<\xc3\xbc@b\xc3\xbc.example>", kAll, hostname());
  ASSERT_TRUE(rcpt);
  EXPECT_EQ(rcpt->address.to_string(), "\xc3\xbc@xn--b-eha.example") << "domains are A-labels";
  EXPECT_TRUE(rcpt->address.needs_utf8());
  for (const char* address : {"\xc3\xbc@b.example", "a@b\xc3\xbc.example"}) {
    const auto refused = parse_rcpt("TO:<" + std::string(address) + ">", Offered{}, hostname());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::utf8_not_offered);
  }
}

TEST(Rcpt, postmaster_needs_no_domain) {
  const auto rcpt = parse_rcpt("TO:<PostMaster>", Offered{}, hostname());
  ASSERT_TRUE(rcpt);
  EXPECT_EQ(rcpt->address.to_string(), "PostMaster@relay.example");
}

TEST(Rcpt, refuses_with_the_fault_that_fits) {
  const std::vector<Refusal> rows{
      {"TO:<>", Fault::bad_recipient},
      {"TO:<a>", Fault::bad_recipient},
      {"TO: <a@b.example>", Fault::bad_recipient},
      {"FROM:<a@b.example>", Fault::bad_parameter},
      {"TO:<@x.example:a@b.example>", Fault::bad_recipient},
      {"TO:<c@d@ours.example>", Fault::bad_recipient},
      {"TO:<a@[127.0.0.1]>", Fault::bad_recipient},
      {"TO:<a@b.example> NOTIFY=", Fault::bad_parameter},
      {"TO:<a@b.example> NOTIFY=NEVER,DELAY", Fault::bad_parameter},
      {"TO:<a@b.example> NOTIFY=DELAY,DELAY", Fault::bad_parameter},
      {"TO:<a@b.example> NOTIFY=DELAY,", Fault::bad_parameter},
      {"TO:<a@b.example> ORCPT=a@b.example", Fault::bad_parameter},
      {"TO:<a@b.example> ORCPT=;a@b.example", Fault::bad_parameter},
      {"TO:<a@b.example> ORCPT=rfc822;", Fault::bad_parameter},
      {"TO:<a@b.example> ORCPT=rfc822;a+0D+0AX", Fault::bad_parameter},
      {"TO:<a@b.example> SIZE=1", Fault::unknown_parameter},
  };
  for (const Refusal& row : rows) {
    const auto rcpt = parse_rcpt(row.argument, kAll, hostname());
    ASSERT_FALSE(rcpt) << row.argument;
    EXPECT_EQ(rcpt.error().fault, row.fault) << row.argument << ": " << rcpt.error().detail;
  }
}

}  // namespace
}  // namespace signet::smtp
