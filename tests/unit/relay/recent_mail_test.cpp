#include "relay/recent_mail.hpp"

#include <gtest/gtest.h>

namespace signet {
namespace {

using std::chrono::minutes;

const WallTime kNoon{std::chrono::hours(12)};

MailKind kind_to(const std::string& recipient, const std::string& client = "apps") {
  const Domain author = *Domain::parse("example.com");
  return {.client = client,
          .peer = {},
          .author = author,
          .sender = author,
          .recipient = *Domain::parse(recipient)};
}

TEST(RecentMailTest, counts_messages_that_every_rule_treats_alike_together) {
  RecentMail recent;
  recent.note(kind_to("a.example"), kNoon);
  recent.note(kind_to("b.example"), kNoon + minutes(1));
  recent.note(kind_to("a.example"), kNoon + minutes(2));
  recent.note(kind_to("a.example", "other"), kNoon + minutes(3));
  const auto list = recent.list(kNoon + minutes(4));
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(list[0].kind.client, "other");
  EXPECT_EQ(list[1].kind.recipient.text(), "a.example");
  EXPECT_EQ(list[1].messages, 2U);
  EXPECT_EQ(list[1].last, kNoon + minutes(2));
  EXPECT_EQ(list[2].messages, 1U);
}

TEST(RecentMailTest, forgets_what_is_older_than_an_hour) {
  RecentMail recent;
  recent.note(kind_to("old.example"), kNoon);
  for (int minute = 0; minute <= 90; minute += 10)
    recent.note(kind_to("busy.example"), kNoon + minutes(minute));
  const auto list = recent.list(kNoon + minutes(91));
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].messages, 6U);  // Of minutes 40 to 90: that of minute 35 to 40 has gone.
  EXPECT_TRUE(recent.list(kNoon + minutes(200)).empty());
  EXPECT_EQ(recent.forgotten(), 0U);
}

TEST(RecentMailTest, the_null_sender_is_a_kind_of_its_own) {
  RecentMail recent;
  auto null_sender = kind_to("a.example");
  null_sender.sender.reset();
  recent.note(kind_to("a.example"), kNoon);
  recent.note(null_sender, kNoon);
  EXPECT_EQ(recent.list(kNoon).size(), 2U);
}

TEST(RecentMailTest, keeps_the_last_peer) {
  RecentMail recent;
  auto kind = kind_to("a.example");
  for (const char* address : {"192.0.2.1", "192.0.2.2"}) {
    kind.peer = authorise::Peer{
        .address = *IpAddress::parse(address), .user = {}, .certificate_fingerprint = {}};
    recent.note(kind, kNoon);
  }
  EXPECT_EQ(recent.list(kNoon).at(0).kind.peer->address.to_string(), "192.0.2.2");
}

TEST(RecentMailTest, when_full_the_one_used_longest_ago_goes_and_is_counted) {
  RecentMail recent;
  for (std::size_t i = 0; i < RecentMail::kMost; ++i)
    recent.note(kind_to("n" + std::to_string(i) + ".example"), kNoon);
  recent.note(kind_to("n0.example"), kNoon);  // Used again: n1 is the oldest now.
  recent.note(kind_to("one.more.example"), kNoon);
  const auto list = recent.list(kNoon);
  EXPECT_EQ(list.size(), RecentMail::kMost);
  EXPECT_EQ(list[0].kind.recipient.text(), "one.more.example");
  EXPECT_EQ(list[1].kind.recipient.text(), "n0.example");
  EXPECT_EQ(list.back().kind.recipient.text(), "n2.example");
  EXPECT_EQ(recent.forgotten(), 1U);
}

TEST(RecentMailTest, a_clock_that_goes_back_does_no_harm) {
  RecentMail recent;
  recent.note(kind_to("a.example"), kNoon);
  recent.note(kind_to("a.example"), kNoon - minutes(600));
  EXPECT_EQ(recent.list(kNoon - minutes(600)).at(0).messages, 2U);
}

}  // namespace
}  // namespace signet
