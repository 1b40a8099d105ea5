#include "relay/smtp/command.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace signet::smtp {
namespace {

Domain domain(std::string_view text) { return Domain::parse(text).value(); }

TEST(Command, splits_verb_and_argument_in_any_case) {
  struct Row {
    std::string_view line;
    Verb verb;
    std::string_view argument;
  };
  const std::vector<Row> rows{
      {"HELO a.example", Verb::helo, "a.example"},
      {"ehlo a.example", Verb::ehlo, "a.example"},
      {"MAIL FROM:<>", Verb::mail, "FROM:<>"},
      {"rCpT TO:<a@b.example>", Verb::rcpt, "TO:<a@b.example>"},
      {"DATA", Verb::data, ""},
      {"BDAT 10 LAST", Verb::bdat, "10 LAST"},
      {"RSET   \t ", Verb::rset, ""},
      {"NOOP anything at all", Verb::noop, "anything at all"},
      {"QUIT ", Verb::quit, ""},
      {"VRFY x", Verb::vrfy, "x"},
      {"EXPN x", Verb::expn, "x"},
      {"HELP", Verb::help, ""},
      {"STARTTLS", Verb::starttls, ""},
      {"AUTH PLAIN AGEAYg==", Verb::auth, "PLAIN AGEAYg=="},
      {"MAIL  FROM:<>", Verb::mail, " FROM:<>"},
      {"MAIL\tFROM:<>", Verb::unknown, ""},
      {" MAIL FROM:<>", Verb::unknown, "MAIL FROM:<>"},
      {"MAILFROM:<>", Verb::unknown, ""},
      {"", Verb::unknown, ""},
      {"GET / HTTP/1.1", Verb::unknown, "/ HTTP/1.1"},
  };
  for (const Row& row : rows) {
    const Command command = parse_command(row.line);
    EXPECT_EQ(command.verb, row.verb) << row.line;
    EXPECT_EQ(command.argument, row.argument) << row.line;
  }
}

TEST(Command, line_with_a_control_octet_is_no_command) {
  for (const std::string& line :
       {std::string("MAIL FROM:<a\0@b.example>", 24), std::string("NOOP a\rb"),
        std::string("NOOP a\nb"), std::string("NOOP \x7f"), std::string("EHLO a\tb")})
    EXPECT_EQ(parse_command(line).verb, Verb::unknown);
}

TEST(Command, helo_takes_a_domain_or_an_address_literal) {
  for (const std::string_view good :
       {"a.example", "A.Example", "host", "my_host.example", "10.1.2.3", "[192.0.2.1]",
        "[IPv6:2001:db8::1]", "[ipv6:::1]", "xn--bcher-kva.example"})
    EXPECT_EQ(parse_helo(good).value(), good);
  const std::string long_name =
      std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + ".";
  EXPECT_TRUE(parse_helo(long_name + std::string(63, 'd')));
  for (const std::string& bad :
       {std::string(), std::string("a b"), std::string("a..b"), std::string("a."),
        std::string("-a.example"), std::string("a-.example"), std::string("a.example;x"),
        std::string("(a)"), std::string("[192.0.2.256]"), std::string("[2001:db8::1]"),
        std::string("[IPv6:192.0.2.1]"), std::string("[x:y]"), std::string("[]"),
        std::string("b\xc3\xbc"), std::string("a.example\r\nX: y"), std::string(64, 'a'),
        long_name + std::string(63, 'd') + ".e"}) {
    const auto result = parse_helo(bad);
    ASSERT_FALSE(result) << bad;
    EXPECT_EQ(result.error().fault, Fault::bad_parameter);
  }
}

TEST(Mailbox, accepts_what_rfc_5321_allows) {
  struct Row {
    std::string_view text;
    std::string_view local;
    std::string_view domain;
  };
  const std::vector<Row> rows{
      {"a@b.example", "a", "b.example"},
      {"a.b+c@B.Example", "a.b+c", "b.example"},
      {"!#$%&'*+-/=?^_`{|}~@b.example", "!#$%&'*+-/=?^_`{|}~", "b.example"},
      {R"("c@d"@ours.example)", R"("c@d")", "ours.example"},
      {R"("a\"b\\ >"@b.example)", R"("a\"b\\ >")", "b.example"},
      {"\"\"@b.example", "\"\"", "b.example"},
      {"root@localhost", "root", "localhost"},
  };
  for (const Row& row : rows) {
    const auto mailbox = parse_mailbox(row.text);
    ASSERT_TRUE(mailbox) << row.text;
    EXPECT_EQ(mailbox->local, row.local);
    EXPECT_EQ(mailbox->domain, domain(row.domain));
  }
}

TEST(Mailbox, refuses_ambiguous_and_malformed_addresses) {
  for (const std::string_view bad : {"",
                                     "a",
                                     "@b.example",
                                     "a@",
                                     "a@b..example",
                                     "a@b.example.",
                                     "a@@b.example",
                                     "c@d@ours.example",
                                     "a..b@c.example",
                                     ".a@b.example",
                                     "a.@b.example",
                                     "a b@c.example",
                                     "a@b c.example",
                                     "a@b.example ",
                                     " a@b.example",
                                     "\"a@b.example",
                                     "\"a\"b@c.example",
                                     "\"a\\\"@b.example",
                                     "a@[192.0.2.1]",
                                     "a@[IPv6:::1]",
                                     "a@192.0.2.1",
                                     "a@b!c.example",
                                     "a@b%c.example",
                                     "a@b.example>",
                                     "<a@b.example>",
                                     "a(comment)@b.example",
                                     "a@b_c.example",
                                     "a,b@c.example",
                                     "a:b@c.example",
                                     "\xc3\xbc@b.example",
                                     "a@b\xc3\xbc.example",
                                     "a\x01@b.example",
                                     "\"a\x01\"@b.example"}) {
    const auto mailbox = parse_mailbox(bad);
    ASSERT_FALSE(mailbox) << bad;
    EXPECT_EQ(mailbox.error().fault, Fault::bad_parameter) << bad;
  }
}

TEST(Mailbox, keeps_the_size_limits_exactly) {
  EXPECT_TRUE(parse_mailbox(std::string(64, 'a') + "@b.example"));
  EXPECT_FALSE(parse_mailbox(std::string(65, 'a') + "@b.example"));
  const std::string label(63, 'x');
  const std::string name = label + "." + label + "." + label;  // 191 octets
  EXPECT_TRUE(parse_mailbox(std::string(62, 'a') + "@" + name));
  EXPECT_FALSE(parse_mailbox(std::string(63, 'a') + "@" + name));
  EXPECT_FALSE(parse_mailbox(std::string(1000000, 'a') + "@b.example"));
}

TEST(Mailbox, takes_utf8_only_when_asked_to) {
  const auto mailbox = parse_mailbox(
      "\xc3\xbc@b\xc3\xbc"
      "cher.example",
      true);
  ASSERT_TRUE(mailbox);
  EXPECT_EQ(mailbox->local, "\xc3\xbc");
  EXPECT_EQ(mailbox->domain.text(), "xn--bcher-kva.example");
  EXPECT_FALSE(parse_mailbox("\xc0\xaf@b.example", true)) << "overlong form";
  EXPECT_FALSE(parse_mailbox("\xed\xa0\x80@b.example", true)) << "surrogate";
}

}  // namespace
}  // namespace signet::smtp
