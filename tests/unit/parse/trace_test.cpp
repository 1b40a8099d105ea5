#include <gtest/gtest.h>

#include "relay/parse/parsed.hpp"
#include "tests/unit/parse/messages.hpp"

namespace signet::parse {
namespace {

WallTime at(std::int64_t seconds) { return WallTime(std::chrono::seconds(seconds)); }

TEST(FormatDate, is_rfc_5322_in_utc) {
  EXPECT_EQ(format_date(at(0)), "Thu, 01 Jan 1970 00:00:00 +0000");
  EXPECT_EQ(format_date(at(951827696)), "Tue, 29 Feb 2000 12:34:56 +0000");
  EXPECT_EQ(format_date(at(1795453200)), "Mon, 23 Nov 2026 17:00:00 +0000");
  EXPECT_EQ(format_date(WallTime(std::chrono::milliseconds(999))),
            "Thu, 01 Jan 1970 00:00:00 +0000");
}

TraceFacts facts() {
  return {.hostname = "relay.example",
          .helo = "app.example",
          .peer_address = "192.0.2.1",
          .protocol = "ESMTP",
          .queue_id = "0ABCDEFGH12",
          .tls = "",
          .now = at(1795453200)};
}

TEST(Received, is_written_by_rfc_5321) {
  EXPECT_EQ(received_field(facts()),
            "Received: from app.example ([192.0.2.1])\r\n"
            "\tby relay.example with ESMTP id 0ABCDEFGH12;\r\n"
            "\tMon, 23 Nov 2026 17:00:00 +0000\r\n");
}

TEST(Received, names_ipv6_and_tls_and_folds) {
  TraceFacts all = facts();
  all.peer_address = "2001:db8::1";
  all.protocol = "ESMTPSA";
  all.tls = "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384";
  EXPECT_EQ(received_field(all),
            "Received: from app.example ([IPv6:2001:db8::1])\r\n"
            "\tby relay.example with ESMTPSA (TLSv1.3 with cipher\r\n"
            "\tTLS_AES_256_GCM_SHA384) id 0ABCDEFGH12;\r\n"
            "\tMon, 23 Nov 2026 17:00:00 +0000\r\n");
}

TEST(Received, lets_nothing_a_client_chose_be_injected) {
  TraceFacts hostile = facts();
  hostile.helo = "a\r\nBcc: x@y.example\r\n(;\"\\\x01\xc3\xbc by evil";
  hostile.tls = "x) by evil\r\nX: y";
  hostile.protocol = "ESMTP\r\nA: b";
  hostile.queue_id = "1;\r\n";
  hostile.peer_address = "1])\r\nZ: w";
  const auto header = header_of(received_field(hostile));
  ASSERT_EQ(header.fields().size(), 1U);
  EXPECT_EQ(hops_through(header, "relay.example"), 1U);
  EXPECT_FALSE(header.has_eight_bit());
}

TEST(Received, long_names_stay_within_the_line_limit) {
  TraceFacts all = facts();
  all.helo = std::string(5000, 'x');
  all.hostname = std::string(200, 'y');
  EXPECT_EQ(header_of(received_field(all)).fields().size(), 1U);
}

TEST(Hops, are_counted_all_and_by_host) {
  const auto header = header_of(
      "Received: from a by relay.example with SMTP; x\r\n"
      "received: (by relay.example) from b (c)\r\n\tBY Relay.Example; y\r\n"
      "Received: from relay.example by other.example; z\r\n"
      "X-Received: by relay.example\r\n");
  EXPECT_EQ(hops(header), 3U);
  EXPECT_EQ(hops_through(header, "relay.example"), 2U);
}

TEST(OwnMail, gets_what_is_missing_and_loses_bcc_and_return_path) {
  auto header = header_of(
      "Return-Path: <a@b.example>\r\nFrom: a@b.example\r\nBcc: c@d.example\r\nTo: e@f.example\r\n");
  complete_own_mail(header, Domain::parse("b.example").value(), "0ABC", at(0));
  EXPECT_EQ(header.block(),
            "From: a@b.example\r\nTo: e@f.example\r\n"
            "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\nMessage-ID: <0ABC@b.example>\r\n");
}

TEST(OwnMail, that_is_complete_stays_as_it_is) {
  const std::string block = "from: a@b.example\r\nDATE: whenever\r\nMessage-Id: <x@y>\r\n";
  auto header = header_of(block);
  complete_own_mail(header, Domain::parse("b.example").value(), "0ABC", at(0));
  EXPECT_EQ(header.block(), block);
}

}  // namespace
}  // namespace signet::parse
