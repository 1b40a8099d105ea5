#include "relay/accept/inbox.hpp"

#include <gtest/gtest.h>

#include <string>

namespace signet::accept {
namespace {

void put(Inbox& inbox, std::string_view octets) {
  while (!octets.empty()) {
    const auto room = inbox.room();
    ASSERT_FALSE(room.empty());
    const std::size_t count = std::min(room.size(), octets.size());
    octets.copy(room.data(), count);
    inbox.filled(count);
    octets.remove_prefix(count);
  }
}

TEST(InboxTest, keeps_octets_in_order_while_it_grows_and_moves) {
  Inbox inbox;
  std::string expected;
  for (int i = 0; i < 3000; ++i) {
    const std::string piece = std::to_string(i) + ",";
    put(inbox, piece);
    expected += piece;
    if (i % 3 != 0) continue;
    const std::size_t used = std::min<std::size_t>(inbox.unread().size(), 7);
    expected.erase(0, used);
    inbox.consume(used);
    ASSERT_EQ(inbox.unread(), expected);
  }
}

TEST(InboxTest, is_small_at_first_and_after_rest) {
  Inbox inbox;
  EXPECT_EQ(inbox.room().size(), Inbox::kIdle);
  inbox.reserve(Inbox::kMost);
  EXPECT_EQ(inbox.room().size(), Inbox::kMost);
  inbox.filled(10);
  inbox.rest();
  EXPECT_EQ(inbox.unread().size(), 10U);
  inbox.consume(10);
  inbox.rest();
  EXPECT_EQ(inbox.room().size(), Inbox::kIdle);
}

TEST(InboxTest, never_grows_over_its_cap) {
  Inbox inbox;
  put(inbox, std::string(Inbox::kMost, 'x'));
  EXPECT_EQ(inbox.unread().size(), Inbox::kMost);
  EXPECT_TRUE(inbox.room().empty());
  inbox.consume(10);
  EXPECT_EQ(inbox.room().size(), 10U);
  EXPECT_EQ(inbox.unread().size(), Inbox::kMost - 10);
}

}  // namespace
}  // namespace signet::accept
