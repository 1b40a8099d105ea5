#include <gtest/gtest.h>

#include "relay/parse/parsed.hpp"
#include "tests/unit/parse/messages.hpp"

namespace signet::parse {
namespace {

Result<Author> author_of(const std::string& value) {
  return find_author(header_of("To: x@y.example\r\nFrom:" + value + "\r\n"));
}

TEST(Author, is_found_in_every_form_of_one_mailbox) {
  const std::pair<std::string, std::string> rows[] = {
      {" a@b.example", "a@b.example"},
      {"a@B.Example", "a@b.example"},
      {" <a@b.example>", "a@b.example"},
      {" Name <a@b.example>", "a@b.example"},
      {" John Q. Public <john.q@b.example>", "john.q@b.example"},
      {" \"Public, John\" <a@b.example>", "a@b.example"},
      {" \"x@evil.example\" <a@b.example>", "a@b.example"},
      {" \"a \\\" <b>\" <a@b.example>", "a@b.example"},
      {"\r\n Name\r\n\t<a@b.example>", "a@b.example"},
      {" =?UTF-8?Q?J=C3=BC?= =?UTF-8?B?w7w=?= <a@b.example>", "a@b.example"},
      {" a@b.example (Name)", "a@b.example"},
      {" (one (two (three))) a@b.example (<evil@c.example>)", "a@b.example"},
      {" Name (x \\) y) <a@b.example> (z)", "a@b.example"},
      {" \"quoted local\"@b.example", "\"quoted local\"@b.example"},
      {" <\"c@d\"@b.example>", "\"c@d\"@b.example"},
      {" a@b\xc3\xbc"
       "cher.example",
       "a@xn--bcher-kva.example"},
      {" Name <a@B\xc3\x9c"
       "CHER.example>",
       "a@xn--bcher-kva.example"},
      {" J\xc3\xbcrgen \"\xfc\" (\xe4) <a@b.example>", "a@b.example"},
      {" a+tag=x@b.example", "a+tag=x@b.example"},
  };
  for (const auto& [value, address] : rows) {
    const auto author = author_of(value);
    ASSERT_TRUE(author) << value << ": " << author.error().detail;
    EXPECT_EQ(author->address.to_string(), address) << value;
  }
}

TEST(Author, is_ambiguous_with_several_addresses) {
  for (const std::string value :
       {" a@b.example, c@d.example", " a@b.example,", " A <a@b.example>, C <c@d.example>",
        " A <a@b.example>,broken", " a@b.example (x), c@b.example"}) {
    const auto author = author_of(value);
    ASSERT_FALSE(author) << value;
    EXPECT_EQ(author.error().fault, Fault::author_ambiguous) << value;
  }
}

TEST(Author, is_malformed_where_parsers_differ) {
  for (const std::string& value : {
           std::string(""),
           std::string(" "),
           std::string(" Name"),
           std::string(" <>"),
           std::string(" a"),
           std::string(" @b.example"),
           std::string(" a@"),
           std::string(" a@b@c.example"),
           std::string(" <a@b.example>c@d.example"),
           std::string(" <a@b.example> <c@d.example>"),
           std::string(" c@d.example <a@b.example>"),
           std::string(" Public, John <a@b.example>"),
           std::string(" undisclosed:;"),
           std::string(" Group: a@b.example;"),
           std::string(" <@x.example:a@b.example>"),
           std::string(" <@x.example,@y.example:a@b.example>"),
           std::string(" a@[192.0.2.1]"),
           std::string(" a@b.example."),
           std::string(" a..b@c.example"),
           std::string(" a.@c.example"),
           std::string(" a b@c.example"),
           std::string(" a @b.example"),
           std::string(" a@ b.example"),
           std::string(" a@b. example"),
           std::string(" < a@b.example>"),
           std::string(" <a@b.example >"),
           std::string(" a(comment)@b.example"),
           std::string(" <a@(comment)b.example>"),
           std::string(" <a@b.example"),
           std::string(" a@b.example>"),
           std::string(" \"open <a@b.example>"),
           std::string(" (open a@b.example"),
           std::string(" a@b.example (open"),
           std::string(" a@b.example) x"),
           std::string(" a@b.example;"),
           std::string(" =?utf-8?Q?a?=@b.example"),
           std::string(" <=?utf-8?Q?a=40c.example?=@b.example>"),
           std::string(" a@=?utf-8?Q?b.example?="),
           std::string(" =?utf-8?Q?a=40b.example?="),
           std::string(" \xc3\xbc@b.example"),
           std::string(" \"\xc3\xbc\"@b.example"),
           std::string(" a@b\xff.example"),
           std::string(" a@b\xc0\xaf.example"),
           std::string(" a@b_c.example"),
           std::string(" \"a\r\n b\"@c.example"),
           std::string(" a\\@b.example"),
           " " + std::string(21, '(') + std::string(21, ')') + "a@b.example",
           " " + std::string(65, 'a') + "@b.example",
       }) {
    const auto author = author_of(value);
    ASSERT_FALSE(author) << value;
    EXPECT_EQ(author.error().fault, Fault::author_malformed) << value;
    EXPECT_FALSE(author.error().text.empty()) << value;
  }
}

TEST(Author, comment_nesting_is_capped_at_twenty) {
  EXPECT_TRUE(author_of(" " + std::string(20, '(') + std::string(20, ')') + "a@b.example"));
  EXPECT_FALSE(author_of(" " + std::string(90000, '(').substr(0, 900) + " a@b.example"));
}

TEST(Author, full_width_dot_is_a_dot_or_refused_but_never_another_name) {
  const auto author = author_of(
      " a@b\xef\xbc\x8e"
      "example");
  EXPECT_TRUE(!author || author->address.domain.text() == "b.example");
}

TEST(Author, needs_exactly_one_from_field) {
  EXPECT_EQ(find_author(header_of("To: a@b.example\r\n")).error().fault, Fault::author_missing);
  EXPECT_EQ(find_author(header_of("")).error().fault, Fault::author_missing);
  EXPECT_EQ(find_author(header_of("From: a@b.example\r\nfrom: a@b.example\r\n")).error().fault,
            Fault::author_ambiguous);
}

TEST(ReplaceAuthor, leaves_the_display_name_octet_for_octet) {
  const Mailbox address{"root", Domain::parse("mail.example").value()};
  const std::pair<std::string, std::string> rows[] = {
      {"From: root@web1.internal\r\n", "From: root@mail.example\r\n"},
      {"from:  \"Cron, Daemon\"\r\n\t<root@web1.internal>  (on web1)\r\n",
       "from:  \"Cron, Daemon\"\r\n\t<root@mail.example>  (on web1)\r\n"},
      {"From: J\xc3\xbc <x@b\xc3\xbc.internal>\r\n", "From: J\xc3\xbc <root@mail.example>\r\n"},
  };
  for (const auto& [before, after] : rows) {
    auto header = header_of("A: b\r\n" + before + "C: d\r\n");
    ASSERT_TRUE(replace_author(header, address)) << before;
    EXPECT_EQ(header.block(), "A: b\r\n" + after + "C: d\r\n");
    EXPECT_EQ(find_author(header)->address, address);
  }
}

TEST(ReplaceAuthor, refuses_what_has_no_single_author) {
  const Mailbox address{"root", Domain::parse("mail.example").value()};
  auto several = header_of("From: a@b.example, c@d.example\r\n");
  EXPECT_FALSE(replace_author(several, address));
  auto full = header_of("From: " + std::string(975, 'x') + " <a@b.example>\r\n");
  EXPECT_EQ(replace_author(full, address).error().fault, Fault::line_over_998);
}

}  // namespace
}  // namespace signet::parse
