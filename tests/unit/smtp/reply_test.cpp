#include "relay/smtp/reply.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace signet::smtp {
namespace {

using testing::ElementsAre;

TEST(FormatReply, writes_one_line_and_many) {
  EXPECT_EQ(format_reply(250, "2.1.0", "Ok"), "250 2.1.0 Ok\r\n");
  EXPECT_EQ(format_reply(354, "", "End data with <CR><LF>.<CR><LF>"),
            "354 End data with <CR><LF>.<CR><LF>\r\n");
  EXPECT_EQ(format_reply(250, "", std::vector<std::string_view>{"a.example", "SIZE 1", "DSN"}),
            "250-a.example\r\n250-SIZE 1\r\n250 DSN\r\n");
  EXPECT_EQ(format_reply(550, "5.7.1", std::vector<std::string_view>{"no", "really"}),
            "550-5.7.1 no\r\n550 5.7.1 really\r\n");
  EXPECT_EQ(format_reply(250, "2.0.0", ""), "250 2.0.0\r\n");
}

TEST(FormatReply, shows_the_public_text_of_an_error_and_not_its_detail) {
  EXPECT_EQ(format_reply(Error{Fault::bad_sequence, "secret"}),
            "503 5.5.1 Bad sequence of commands\r\n");
  EXPECT_EQ(format_reply(Error{Fault::bad_sequence, "secret", "Say EHLO first"}),
            "503 5.5.1 Say EHLO first\r\n");
}

TEST(FormatReply, lets_nothing_be_injected) {
  EXPECT_EQ(format_reply(250, "", "a\r\n250 b\x01\xc3\xbc"), "250 a??250 b???\r\n");
  EXPECT_EQ(format_reply(250, "2.0.0", std::string(5000, 'x')).size(), 512U);
}

// All replies of the stream, fed in slices of `cut`; a fault ends the list.
std::vector<Reply> read_all(std::string_view stream, std::size_t cut, std::optional<Fault>& fault) {
  ReplyReader reader;
  std::vector<Reply> replies;
  for (std::size_t at = 0; at < stream.size(); at += cut) {
    reader.feed(stream.substr(at, cut));
    while (true) {
      auto reply = reader.next();
      if (!reply) {
        fault = reply.error().fault;
        return replies;
      }
      if (!*reply) break;
      replies.push_back(std::move(**reply));
    }
  }
  return replies;
}

std::vector<std::string> texts(std::string_view stream, std::optional<Fault>& fault) {
  std::vector<std::string> whole;
  for (const Reply& reply : read_all(stream, stream.size(), fault))
    whole.push_back(reply.to_string());
  std::vector<std::string> bytewise;
  std::optional<Fault> bytewise_fault;
  for (const Reply& reply : read_all(stream, 1, bytewise_fault))
    bytewise.push_back(reply.to_string());
  EXPECT_EQ(whole, bytewise);
  EXPECT_EQ(fault, bytewise_fault);
  return whole;
}

TEST(ReplyReader, reads_replies_in_order) {
  std::optional<Fault> fault;
  EXPECT_THAT(texts("220 hello\r\n250-a\r\n250-b\r\n250 c\r\n250 2.1.5 Ok\r\n550 no", fault),
              ElementsAre("220 hello", "250 a b c", "250 2.1.5 Ok"));
  EXPECT_FALSE(fault);
}

TEST(ReplyReader, tolerates_a_bare_lf_and_missing_text) {
  std::optional<Fault> fault;
  EXPECT_THAT(texts("250 ok\n250\r\n250-\r\n250 \r\n571 x\r\n", fault),
              ElementsAre("250 ok", "250", "250", "571 x"));
  EXPECT_FALSE(fault);
}

TEST(ReplyReader, refuses_what_breaks_the_protocol) {
  const std::string nul("250 a\0b\r\n", 9);
  for (const std::string& bad :
       {std::string("25\r\n"),
        std::string("25"
                    "\n"),
        std::string("\r\n"), std::string("abc def\r\n"), std::string("150 x\r\n"),
        std::string("650 x\r\n"), std::string("2500 x\r\n"), std::string("250x\r\n"),
        std::string("250-a\r\n251 b\r\n"), std::string("250-a\r\nb\r\n"), nul,
        std::string(3000, '2'), "250 " + std::string(3000, 'x') + "\r\n",
        std::string("HTTP/1.1 400 Bad Request\r\n")}) {
    std::optional<Fault> fault;
    EXPECT_TRUE(texts(bad, fault).empty());
    EXPECT_EQ(fault, Fault::peer_protocol) << bad.substr(0, 40);
  }
}

TEST(ReplyReader, stays_dead_after_a_fault) {
  ReplyReader reader;
  reader.feed("what\r\n");
  EXPECT_FALSE(reader.next());
  reader.feed("250 ok\r\n");
  EXPECT_FALSE(reader.next());
}

std::string lines(std::size_t count, std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += "250-" + std::string(size, 'x') + "\r\n";
  return out;
}

TEST(ReplyReader, caps_lines_and_octets_of_a_reply) {
  std::optional<Fault> fault;
  EXPECT_EQ(texts(lines(99, 10) + "250 end\r\n", fault).size(), 1U);
  EXPECT_FALSE(fault);
  texts(lines(100, 10) + "250 end\r\n", fault);
  EXPECT_EQ(fault, Fault::peer_protocol);
  fault.reset();
  texts(lines(40, 2000) + "250 end\r\n", fault);
  EXPECT_EQ(fault, Fault::peer_protocol);
}

TEST(ReplyReader, an_endless_reply_ends) {
  ReplyReader reader;
  std::size_t fed = 0;
  bool dead = false;
  while (!dead && fed < 1000) {
    reader.feed("250-more\r\n");
    ++fed;
    dead = !reader.next();
  }
  EXPECT_EQ(fed, 101U);
}

TEST(ReplyReader, caps_are_of_one_reply_and_not_of_the_stream) {
  std::optional<Fault> fault;
  std::string stream;
  for (int i = 0; i < 5000; ++i) stream += "250 2.1.5 Recipient ok, go ahead\r\n";
  EXPECT_EQ(read_all(stream, stream.size(), fault).size(), 5000U);
  EXPECT_FALSE(fault);
}

TEST(ReplyReader, sanitises_and_caps_text) {
  std::optional<Fault> fault;
  const auto replies =
      read_all("550 a\tb\x1b[31m\xc3\xbc\r\r\n550 " + std::string(1500, 'x') + "\r\n", 4096, fault);
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_EQ(replies[0].lines.at(0), "a?b?[31m???");
  EXPECT_EQ(replies[1].lines.at(0).size(), 512U);
  EXPECT_EQ(replies[1].to_string().size(), 500U);
}

TEST(ReplyReader, knows_leftovers) {
  ReplyReader reader;
  EXPECT_FALSE(reader.has_leftover());
  reader.feed("220 go\r\n");
  EXPECT_TRUE(reader.next().value());
  EXPECT_FALSE(reader.has_leftover());
  reader.feed("250-injected\r\n");
  EXPECT_FALSE(reader.next().value());
  EXPECT_TRUE(reader.has_leftover());
}

TEST(ReplyReader, takes_an_enhanced_code_only_of_the_codes_class) {
  struct Row {
    std::string_view line;
    std::string_view enhanced;
  };
  const std::vector<Row> rows{
      {"550 5.1.1 No such user\r\n", "5.1.1"},
      {"550 5.1.1\r\n", "5.1.1"},
      {"450 4.123.456 x\r\n", "4.123.456"},
      {"550 4.1.1 x\r\n", ""},
      {"550 5.1 x\r\n", ""},
      {"550 5.1.1x\r\n", ""},
      {"550 5.1.1234 x\r\n", ""},
      {"550 #5.1.1 x\r\n", ""},
      {"550 5..1 x\r\n", ""},
      {"550\r\n", ""},
  };
  for (const Row& row : rows) {
    std::optional<Fault> fault;
    const auto replies = read_all(row.line, row.line.size(), fault);
    ASSERT_EQ(replies.size(), 1U) << row.line;
    EXPECT_EQ(replies[0].enhanced, row.enhanced) << row.line;
  }
}

Reply with_code(int code) { return {.code = code, .enhanced = {}, .lines = {}}; }

TEST(Reply, is_classified_by_its_first_digit) {
  EXPECT_TRUE(with_code(250).is_positive());
  EXPECT_TRUE(with_code(354).is_positive());
  EXPECT_TRUE(with_code(421).is_transient());
  EXPECT_TRUE(with_code(571).is_permanent());
  EXPECT_FALSE(with_code(421).is_permanent());
}

TEST(Capabilities, are_read_in_any_case_and_from_the_second_line_on) {
  std::optional<Fault> fault;
  const auto replies = read_all(
      "250-DSN.example greets you\r\n250-pipelining\r\n250-8BITMIME\r\n250-SIZE 1000\r\n"
      "250-AUTH PLAIN login\r\n250-AUTH=LOGIN XOAUTH2\r\n250-STARTTLS\r\n"
      "250-ENHANCEDSTATUSCODES\r\n250 SMTPUTF8\r\n",
      4096, fault);
  ASSERT_EQ(replies.size(), 1U);
  const Capabilities capabilities = parse_capabilities(replies[0]);
  EXPECT_TRUE(capabilities.pipelining);
  EXPECT_TRUE(capabilities.eight_bit_mime);
  EXPECT_TRUE(capabilities.smtp_utf8);
  EXPECT_TRUE(capabilities.starttls);
  EXPECT_TRUE(capabilities.enhanced_codes);
  EXPECT_TRUE(capabilities.has_size);
  EXPECT_EQ(capabilities.size, 1000U);
  EXPECT_FALSE(capabilities.dsn);
  EXPECT_FALSE(capabilities.chunking);
  EXPECT_THAT(capabilities.auth, ElementsAre("PLAIN", "LOGIN", "XOAUTH2"));
}

Capabilities offered(std::vector<std::string> lines) {
  lines.insert(lines.begin(), "hi");
  return parse_capabilities(Reply{.code = 250, .enhanced = {}, .lines = std::move(lines)});
}

TEST(Capabilities, limits_are_read_and_what_is_no_limit_is_left_alone) {
  const auto limits = offered({"limits MAILMAX=5 rcptmax=20 RCPTDOMAINMAX=1 X=9 MAILMAX"}).limits;
  EXPECT_EQ(limits.transactions, 5U);
  EXPECT_EQ(limits.recipients, 20U);
  EXPECT_EQ(limits.recipient_domains, 1U);
  for (const char* line : {"LIMITS", "LIMITS RCPTMAX", "LIMITS RCPTMAX=", "LIMITS RCPTMAX=0",
                           "LIMITS RCPTMAX=010", "LIMITS RCPTMAX=-1", "LIMITS RCPTMAX=1000000",
                           "LIMITS RCPTMAX=2x", "LIMITS=RCPTMAX=2", "LIMITSRCPTMAX=2"})
    EXPECT_FALSE(offered({line}).limits.any()) << line;
}

TEST(Capabilities, requiretls_is_known) {
  EXPECT_TRUE(offered({"REQUIRETLS"}).require_tls);
  EXPECT_FALSE(offered({"STARTTLS"}).require_tls);
}

TEST(Capabilities, size_without_a_usable_number_is_no_limit) {
  for (const std::string_view line : {"SIZE", "SIZE 0", "SIZE x", "SIZE 99999999999999999999999"}) {
    const Capabilities capabilities =
        parse_capabilities(Reply{.code = 250, .enhanced = {}, .lines = {"hi", std::string(line)}});
    EXPECT_TRUE(capabilities.has_size) << line;
    EXPECT_EQ(capabilities.size, 0U) << line;
  }
}

}  // namespace
}  // namespace signet::smtp
