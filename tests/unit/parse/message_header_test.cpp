#include "relay/parse/message_header.hpp"

#include <gtest/gtest.h>

#include "tests/unit/parse/messages.hpp"

namespace signet::parse {
namespace {

std::optional<Fault> fault_of(const std::string& block, const HeaderLimits& limits = {}) {
  const auto header = MessageHeader::parse(block, limits);
  return header ? std::nullopt : std::optional(header.error().fault);
}

TEST(MessageHeader, finds_fields_with_their_offsets) {
  const auto header = header_of("From: a@b.example\r\nSubject: one\r\n\ttwo\r\nX-Empty:\r\n");
  ASSERT_EQ(header.fields().size(), 3U);
  const Field& subject = header.fields()[1];
  EXPECT_EQ(header.name(subject), "Subject");
  EXPECT_EQ(header.value(subject), " one\r\n\ttwo");
  EXPECT_EQ(header.text(subject), "Subject: one\r\n\ttwo\r\n");
  EXPECT_EQ(header.value(header.fields()[2]), "");
  EXPECT_EQ(header.find("SUBJECT"), &subject);
  EXPECT_EQ(header.find("To"), nullptr);
}

TEST(MessageHeader, an_empty_block_has_no_fields) { EXPECT_TRUE(header_of("").fields().empty()); }

TEST(MessageHeader, refuses_what_parsers_read_differently) {
  for (const std::string& block : {
           std::string("From a@b.example Mon Jan  1 00:00:00 2026\r\nFrom: a@b.example\r\n"),
           std::string("no colon here\r\n"),
           std::string("From : a@b.example\r\n"),
           std::string("From\t: a@b.example\r\n"),
           std::string(": no name\r\n"),
           std::string("A B: c\r\n"),
           std::string("\xc3\xbc: c\r\n"),
           std::string(" A: continuation first\r\n"),
           std::string("A: b\r\n \r\nC: d\r\n"),
           std::string("A: b\r\n \t \r\n"),
           std::string("A: b\r\n\r\nC: d\r\n"),
           std::string("\r\n"),
           std::string("A: b\n"),
           std::string("A: b\rC: d\r\n"),
           std::string("A: b\r\r\n"),
           std::string("A: b\r\nC: d"),
           std::string("A: b\r"),
           std::string("A: \x1b[31m\r\n"),
           std::string("A: \x7f\r\n"),
           std::string("A\x01: b\r\n"),
           std::string("A: b\x0b\r\n"),
       })
    EXPECT_EQ(fault_of(block), Fault::header_malformed) << testing::PrintToString(block);
}

TEST(MessageHeader, says_that_an_mbox_line_is_the_trouble) {
  const auto header = MessageHeader::parse("From a@b Mon Jan  1 00:00:00\r\n", HeaderLimits{});
  ASSERT_FALSE(header);
  EXPECT_NE(header.error().public_text().find("mbox"), std::string::npos);
}

TEST(MessageHeader, refuses_nul) {
  EXPECT_EQ(fault_of(std::string("A: b\0c\r\n", 8)), Fault::nul_in_message);
}

TEST(MessageHeader, caps_are_exact) {
  const std::string full = "A:" + std::string(996, 'x');
  EXPECT_EQ(fault_of(full + "\r\n"), std::nullopt);
  EXPECT_EQ(fault_of(full + "x\r\n"), Fault::line_over_998);
  EXPECT_EQ(fault_of("A: b\r\n " + std::string(998, 'x') + "\r\n"), Fault::line_over_998);
  EXPECT_EQ(fault_of(std::string(128, 'n') + ": v\r\n"), std::nullopt);
  EXPECT_EQ(fault_of(std::string(129, 'n') + ": v\r\n"), Fault::header_malformed);
  EXPECT_EQ(fault_of("A: b\r\nA: b\r\n", {.fields = 2}), std::nullopt);
  EXPECT_EQ(fault_of("A: b\r\nA: b\r\nA: b\r\n", {.fields = 2}), Fault::header_too_big);
  EXPECT_EQ(fault_of("A: b\r\n", {.bytes = 6}), std::nullopt);
  EXPECT_EQ(fault_of("A: bc\r\n", {.bytes = 6}), Fault::header_too_big);
}

TEST(MessageHeader, tells_eight_bit) {
  EXPECT_FALSE(header_of("A: b\r\n").has_eight_bit());
  EXPECT_TRUE(header_of("A: \xc3\xbc\r\n").has_eight_bit());
}

TEST(MessageHeader, edits_keep_the_offsets_right) {
  auto header = header_of("A: 1\r\nB: 2\r\n b\r\nA: 3\r\n");
  header.prepend("X: 0\r\nY: 0\r\n");
  header.append("Z: 9\r\n");
  header.replace(*header.find("B"), "Longer-Name: 22\r\n\t2\r\n");
  header.remove("a");
  EXPECT_EQ(header.block(), "X: 0\r\nY: 0\r\nLonger-Name: 22\r\n\t2\r\nZ: 9\r\n");
  const auto again = header_of(header.block());
  ASSERT_EQ(header.fields().size(), again.fields().size());
  for (std::size_t i = 0; i < header.fields().size(); ++i) {
    EXPECT_EQ(header.text(header.fields()[i]), again.text(again.fields()[i]));
    EXPECT_EQ(header.name(header.fields()[i]), again.name(again.fields()[i]));
  }
}

}  // namespace
}  // namespace signet::parse
