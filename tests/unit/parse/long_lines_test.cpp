#include <gtest/gtest.h>

#include "relay/parse/lines.hpp"
#include "relay/parse/parsed.hpp"
#include "relay/parse/transfer_encoding.hpp"
#include "tests/unit/parse/messages.hpp"

namespace signet::parse {
namespace {

const std::string kLong(2000, 'x');

std::string multipart(const std::string& subtype, const std::string& part) {
  return "Content-Type: multipart/" + subtype + "; boundary=\"b\"\r\n\r\npreamble\r\n--b\r\n" +
         part + "\r\n--b\r\n\r\nshort\r\n--b--\r\nepilogue\r\n";
}

struct Message {
  MessageHeader header;
  std::string body;
};

Result<Message> mended(const std::string& message) {
  auto [block, body] = cut(message);
  auto header = header_of(block);
  auto result = reencode_long_lines(header, body);
  if (!result) {
    EXPECT_EQ(header.block(), block) << "a refusal must change nothing";
    return result.failure();
  }
  EXPECT_FALSE(has_long_line(*result));
  return Message{std::move(header), std::move(*result)};
}

TEST(LongLines, short_lines_are_left_alone) {
  const auto message = mended("Subject: x\r\n\r\n" + std::string(998, 'x') + "\r\n");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->header.block(), "Subject: x\r\n");
  EXPECT_EQ(message->body, std::string(998, 'x') + "\r\n");
}

TEST(LongLines, text_becomes_quoted_printable) {
  const std::string text = "=a \r\n" + kLong + "\r\n\xc3\xbc\r\n";
  const auto message = mended("Content-Transfer-Encoding: 8bit\r\nSubject: x\r\n\r\n" + text);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->header.block(),
            "Content-Transfer-Encoding: quoted-printable\r\nSubject: x\r\nMIME-Version: 1.0\r\n");
  EXPECT_TRUE(message->body.starts_with("=3Da=20\r\nxxx"));
  EXPECT_TRUE(message->body.ends_with("x\r\n=C3=BC\r\n"));
  EXPECT_EQ(decode_quoted_printable(message->body).value(), text);
}

TEST(LongLines, other_types_become_base64) {
  const auto message = mended("MIME-Version: 1.0\r\nContent-Type: application/pdf\r\n\r\n" + kLong);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->header.count("MIME-Version"), 1U);
  EXPECT_EQ(message->header.value(*message->header.find("Content-Transfer-Encoding")), " base64");
  EXPECT_EQ(decode_base64_lines(message->body).value(), kLong);
}

TEST(LongLines, base64_and_quoted_printable_are_wrapped_again) {
  const std::string octets(3000, 'y');
  std::string one_line = encode_base64_lines(octets);
  std::erase_if(one_line, [](char c) { return c == '\r' || c == '\n'; });
  const auto base64 = mended(
      "Content-Type: image/png\r\nContent-Transfer-Encoding: BASE64\r\n\r\n" + one_line + "\r\n");
  ASSERT_TRUE(base64);
  EXPECT_EQ(base64->body, encode_base64_lines(octets) + "\r\n");

  const auto quoted =
      mended("Content-Transfer-Encoding: Quoted-Printable\r\n\r\n=41" + kLong + "=\r\n=3D\r\n");
  ASSERT_TRUE(quoted);
  EXPECT_EQ(decode_quoted_printable(quoted->body).value(), "A" + kLong + "=\r\n");
}

TEST(LongLines, only_the_part_that_has_them_changes) {
  const auto message =
      mended(multipart("mixed", "Content-Type: text/html\r\nX-A: b\r\n\r\n" + kLong + "\r\nend"));
  ASSERT_TRUE(message);
  const std::string head =
      "preamble\r\n--b\r\nContent-Type: text/html\r\nX-A: b\r\n"
      "Content-Transfer-Encoding: quoted-printable\r\n\r\nxxx";
  EXPECT_EQ(message->body.substr(0, head.size()), head);
  EXPECT_TRUE(message->body.ends_with("\r\nend\r\n--b\r\n\r\nshort\r\n--b--\r\nepilogue\r\n"));
  EXPECT_EQ(message->header.count("Content-Transfer-Encoding"), 0U);
}

TEST(LongLines, a_part_without_fields_gets_the_one_it_needs) {
  const auto message = mended(multipart("mixed", "\r\n" + kLong));
  ASSERT_TRUE(message);
  EXPECT_NE(message->body.find("--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nxx"),
            std::string::npos);
}

TEST(LongLines, similar_boundaries_are_told_apart) {
  const std::string body =
      "--b\r\nContent-Type: multipart/alternative; boundary=bb\r\n\r\n"
      "--bb\r\n\r\n" +
      kLong + "\r\n--bb--\r\n--b--\r\n";
  const auto message = mended("Content-Type: multipart/mixed; boundary=b\r\n\r\n" + body);
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->body.ends_with("x\r\n--bb--\r\n--b--\r\n"));
}

TEST(LongLines, encoded_text_never_forms_a_delimiter) {
  std::string line(75, 'x');
  for (int i = 0; i < 40; ++i) line += "--b" + std::string(72, 'x');
  const auto message = mended(multipart("mixed", "\r\n" + line));
  ASSERT_TRUE(message);
  std::size_t delimiters = 0;
  for (std::size_t at = message->body.find("\r\n--b"); at != std::string::npos;
       at = message->body.find("\r\n--b", at + 1))
    ++delimiters;
  EXPECT_EQ(delimiters, 3U);
}

std::string nested(int depth) {
  std::string message = "\r\n" + kLong;
  for (int i = 0; i < depth; ++i) {
    const std::string b = "b" + std::to_string(i);
    message = "Content-Type: multipart/mixed; boundary=" + b + "\r\n\r\n--" + b + "\r\n" + message +
              "\r\n--" + b + "--";
  }
  return message;
}

TEST(LongLines, multiparts_are_walked_twenty_deep) {
  EXPECT_TRUE(mended(nested(20)));
  EXPECT_FALSE(mended(nested(21)));
}

TEST(LongLines, refuses_what_can_not_be_mended_for_certain) {
  const std::string type = "Content-Type: ";
  for (const std::string& message : {
           multipart("signed", "\r\n" + kLong),
           multipart("encrypted", "\r\n" + kLong),
           multipart("digest", "\r\n" + kLong),
           multipart("mixed", type + "message/rfc822\r\n\r\nA: b\r\n\r\n" + kLong),
           multipart("mixed", type + "text/plain\r\n" + kLong),
           multipart("mixed", "no colon\r\n\r\n" + kLong),
           type + "multipart/mixed\r\n\r\n" + kLong,
           type + "multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" + kLong,
           type + "multipart/mixed; boundary=b\r\n\r\n" + kLong + "\r\n--b\r\n\r\nx\r\n--b--\r\n",
           type + "multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n" + kLong,
           type + "multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
               kLong,
           type + "text\r\n\r\n" + kLong,
           type + "text/plain\r\n" + type + "text/html\r\n\r\n" + kLong,
           type + "text/plain; x\r\n\r\n" + kLong,
           "Content-Transfer-Encoding: uuencode\r\n\r\n" + kLong,
           "Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + kLong,
           "Content-Transfer-Encoding: base64\r\n\r\n*" + kLong,
           "Content-Transfer-Encoding: quoted-printable\r\n\r\n=zz" + kLong,
       }) {
    const auto result = mended(message);
    ASSERT_FALSE(result) << message.substr(0, 120);
    EXPECT_EQ(result.error().fault, Fault::line_over_998);
  }
}

TEST(TransferEncoding, quoted_printable_round_trips_every_octet) {
  std::string text;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 256; ++i) {
      if (i != '\r' && i != '\n') text += static_cast<char>(i);
    }
    text += "\r\n \t\r\n--b\r\n";
  }
  const std::string encoded = encode_quoted_printable(text);
  EXPECT_EQ(decode_quoted_printable(encoded).value(), text);
  for (std::size_t at = 0; at < encoded.size();) {
    const std::size_t end = encoded.find("\r\n", at);
    EXPECT_LE(end - at, 76U);
    at = end + 2;
  }
}

}  // namespace
}  // namespace signet::parse
