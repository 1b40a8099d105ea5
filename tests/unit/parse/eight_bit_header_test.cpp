#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "relay/parse/parsed.hpp"
#include "relay/smtp/command.hpp"
#include "relay/smtp/utf8.hpp"
#include "tests/unit/parse/messages.hpp"

namespace signet::parse {
namespace {

std::string encoded(const std::string& block) {
  auto header = header_of(block);
  (void)encode_eight_bit_header(header);
  return header_of(header.block()).block();
}

TEST(EightBitHeader, unstructured_text_becomes_encoded_words) {
  const std::pair<std::string, std::string> rows[] = {
      {"Subject: plain\r\n", "Subject: plain\r\n"},
      {"Subject: Gr\xc3\xbc\xc3\x9f"
       "e aus K\xc3\xb6ln\r\n",
       "Subject: =?UTF-8?B?R3LDvMOfZQ==?= aus =?UTF-8?B?S8O2bG4=?=\r\n"},
      {"Subject: \xc3\xbc \xc3\xb6  x\r\n", "Subject: =?UTF-8?B?w7wgw7Y=?=  x\r\n"},
      {"Subject: \xfc"
       "ber\r\n",
       "Subject: =?unknown-8bit?Q?=FCber?=\r\n"},
      {"Subject: =?UTF-8?Q?a?= \xc3\xbc"
       "bel\r\n",
       "Subject: =?UTF-8?Q?a?= =?UTF-8?B?IMO8YmVs?=\r\n"},
      {"Subject: \xc3\xbc"
       "bel =?UTF-8?Q?a?=\r\n",
       "Subject: =?UTF-8?B?w7xiZWwg?= =?UTF-8?Q?a?=\r\n"},
      {"X-Note: a\r\n \xc3\xbc"
       "ber\r\n",
       "X-Note: a\r\n =?UTF-8?B?w7xiZXI=?=\r\n"},
  };
  for (const auto& [before, after] : rows) EXPECT_EQ(encoded(before), after);
}

TEST(EightBitHeader, phrases_and_comments_are_encoded_and_addresses_are_not) {
  const std::pair<std::string, std::string> rows[] = {
      {"From: J\xc3\xbcrgen <a@b.example>\r\n", "From: =?UTF-8?Q?J=C3=BCrgen?= <a@b.example>\r\n"},
      {"To: \"M\xc3\xbcller, J.\" <a@b.example>, c@d.example (Gr\xc3\xbcn)\r\n",
       "To: =?UTF-8?B?TcO8bGxlciwgSi4=?= <a@b.example>, c@d.example "
       "(=?UTF-8?B?R3LDvG4=?=)\r\n"},
      {"To: \"J\xc3\xbcrgen\"<a@b.example>\r\n", "To: =?UTF-8?Q?J=C3=BCrgen?= <a@b.example>\r\n"},
      {"Cc: Fr\xc3\xbchst\xc3\xbc"
       "ck: a@b.example;\r\n",
       "Cc: =?UTF-8?B?RnLDvGhzdMO8Y2s=?=: a@b.example;\r\n"},
      {"From: X <\"x>,y\"@b.example> (\xc3\xbc)\r\n",
       "From: X <\"x>,y\"@b.example> (=?UTF-8?B?w7w=?=)\r\n"},
      {"To: j\xc3\xbcrgen@b.example\r\n", "To: j\xc3\xbcrgen@b.example\r\n"},
      {"To: X <j\xc3\xbcrgen@b.example>\r\n", "To: X <j\xc3\xbcrgen@b.example>\r\n"},
      {"Date: Thu, 01 Jan 1970 00:00:00 +0000 (M\xc3\xbcnchen (\xc3\x9c"
       "be))\r\n",
       "Date: Thu, 01 Jan 1970 00:00:00 +0000 (=?UTF-8?Q?M=C3=BCnchen?= "
       "(=?UTF-8?Q?=C3=9Cbe?=))\r\n"},
      {"Content-Type: text/plain; name=\"\xc3\xbc\"\r\n",
       "Content-Type: text/plain; name=\"\xc3\xbc\"\r\n"},
      {"To: \"open \xc3\xbc <a@b.example>\r\n", "To: \"open \xc3\xbc <a@b.example>\r\n"},
  };
  for (const auto& [before, after] : rows) EXPECT_EQ(encoded(before), after);
}

TEST(EightBitHeader, names_the_fields_it_changed) {
  auto header =
      header_of("From: \xc3\xbc <a@b.example>\r\nTo: \xc3\xbc@b.example\r\nSubject: \xc3\xbc\r\n");
  EXPECT_THAT(encode_eight_bit_header(header), testing::ElementsAre("From", "Subject"));
  EXPECT_EQ(find_author(header)->address.to_string(), "a@b.example");
}

std::vector<std::string> lines_of(const std::string& block) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < block.size();) {
    const std::size_t end = block.find("\r\n", at);
    lines.push_back(block.substr(at, end - at));
    at = end + 2;
  }
  return lines;
}

TEST(EightBitHeader, long_text_is_cut_at_characters_into_short_lines) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += i % 3 == 0 ? "\xe6\x97\xa5" : "\xc3\xbc";
  const auto lines = lines_of(encoded("Subject: " + text + "\r\n"));
  EXPECT_GT(lines.size(), 4U);
  std::string decoded;
  for (const std::string& line : lines) {
    EXPECT_LE(line.size(), 76U);
    const std::size_t begin = line.find("=?UTF-8?B?");
    ASSERT_NE(begin, std::string::npos) << line;
    const std::string piece =
        smtp::decode_base64(line.substr(begin + 10, line.size() - begin - 12)).value();
    EXPECT_TRUE(smtp::is_utf8(piece)) << line;
    decoded += piece;
  }
  EXPECT_EQ(decoded, text);
}

TEST(EightBitHeader, what_can_not_be_folded_within_998_stays_raw) {
  const std::string block = "To: " + std::string(970, 'a') + "(\xc3\xbc) <a@b.example>\r\n";
  EXPECT_EQ(encoded(block), block);
}

}  // namespace
}  // namespace signet::parse
