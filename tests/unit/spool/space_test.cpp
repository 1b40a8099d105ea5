// The disk shrinks again when mail has gone.
#include "relay/spool/testing.hpp"
#include "tests/unit/spool/fixture.hpp"

namespace signet::spool {
namespace {

constexpr std::uint64_t kMessages = 400;
constexpr std::uint64_t kMebibyte = 1U << 20U;

TEST_F(SpoolTest, returns_the_space_of_delivered_mail_and_keeps_the_rest) {
  open();
  const auto bytes = body(kInlineBody);
  for (std::uint64_t id = 1; id <= kMessages; ++id) {
    auto large = message(id);
    large->record.body_size = bytes->size();
    ASSERT_TRUE(store(large, bytes));
  }
  reopen();  // Recovery writes what is in the log to tables and blob files.
  run_upkeep(*spool_);
  EXPECT_GT(spool_->stats().disk_bytes, 95 * kMebibyte);
  for (std::uint64_t id = 2; id <= kMessages; ++id) ASSERT_TRUE(remove(id));
  run_upkeep(*spool_);
  // One blob file may stay: it is kept from being moved by the one body that lives in it.
  EXPECT_LT(spool_->stats().disk_bytes, 70 * kMebibyte);
  EXPECT_EQ(all(), std::vector<std::uint64_t>{1});
  EXPECT_EQ(*spool_->load_body(QueueId{1}), *bytes);
  reopen();  // What was flushed and dropped is no loss.
  EXPECT_EQ(all(), std::vector<std::uint64_t>{1});
}

}  // namespace
}  // namespace signet::spool
