// What opening a spool puts right, and what it refuses (tests B91, B92, B94, B97).
#include <fstream>

#include "relay/spool/testing.hpp"
#include "tests/unit/spool/fixture.hpp"

namespace signet::spool {
namespace {

using Ids = std::vector<std::uint64_t>;

class RecoveryTest : public SpoolTest {
 protected:
  [[nodiscard]] std::filesystem::path home() const { return directory_.path() / "spool"; }
  [[nodiscard]] Error refusal(bool accept_loss = false) {
    Options options = options_for(home());
    options.accept_loss = accept_loss;
    auto opened = Spool::open(std::move(options), clock_);
    if (opened) return Error{Fault::count_, "opened"};
    return opened.error();
  }
  void open_accepting_loss() {
    Options options = options_for(home());
    options.accept_loss = true;
    open(std::move(options));
  }
  /// The write-ahead log that holds most.
  [[nodiscard]] std::filesystem::path log() const {
    std::filesystem::path largest;
    for (const auto& file : std::filesystem::directory_iterator(home() / "db")) {
      if (file.path().extension() != ".log") continue;
      if (largest.empty() || file.file_size() > std::filesystem::file_size(largest)) {
        largest = file.path();
      }
    }
    return largest;
  }
  void flip_in_log(double share) const {
    std::fstream file(log(), std::ios::in | std::ios::out | std::ios::binary);
    const auto place =
        static_cast<std::streamoff>(static_cast<double>(std::filesystem::file_size(log())) * share);
    file.seekg(place);
    const int octet = file.get();
    file.seekp(place);
    file.put(static_cast<char>(octet ^ 0x40));
  }
  void store_many(std::uint64_t count) {
    for (std::uint64_t id = 1; id <= count; ++id) ASSERT_TRUE(store(message(id), body(2000)));
  }
  void write(const std::string& name, const std::string& content) const {
    std::ofstream(home() / name, std::ios::binary) << content;
  }
};

TEST_F(RecoveryTest, an_outcome_does_not_hide_another_attempt_that_is_under_way) {
  open();
  ASSERT_TRUE(store(message(1)));
  ASSERT_TRUE(attempt(1));
  ASSERT_TRUE(update(1, message(1)->state, at(100), Attempts::under_way));
  reopen();
  EXPECT_EQ(spool_->stats().maybe, 1U);
}

TEST_F(RecoveryTest, counts_an_attempt_without_outcome_as_maybe_and_leaves_it_due) {
  open();
  for (std::uint64_t id = 1; id <= 3; ++id) ASSERT_TRUE(store(message(id)));
  ASSERT_TRUE(attempt(1));
  ASSERT_TRUE(attempt(2));
  ASSERT_TRUE(update(2, message(2)->state));  // This one had its outcome.
  ASSERT_TRUE(attempt(3));
  ASSERT_TRUE(remove(3));
  reopen();
  EXPECT_EQ(spool_->stats().maybe, 1U);
  EXPECT_EQ(spool_->load(QueueId{1})->state.maybe_duplicates, 1U);
  EXPECT_EQ(spool_->load(QueueId{2})->state.maybe_duplicates, 0U);
  EXPECT_EQ(due_until(1000), (Ids{1, 2}));
  reopen();
  EXPECT_EQ(spool_->stats().maybe, 0U);
  EXPECT_EQ(spool_->load(QueueId{1})->state.maybe_duplicates, 1U);
}

TEST_F(RecoveryTest, removes_chunks_whose_message_was_never_stored) {
  open();
  auto large = message(1);
  large->record.body_chunks = 1;
  ASSERT_TRUE(put_chunk(1, 0, "kept"));
  ASSERT_TRUE(store(large));
  ASSERT_TRUE(put_chunk(2, 0, "orphan"));
  ASSERT_TRUE(put_chunk(2, 1, "orphan"));
  reopen();
  EXPECT_EQ(*spool_->load_chunk(QueueId{1}, 0), "kept");
  EXPECT_FALSE(spool_->load_chunk(QueueId{2}, 0));
  EXPECT_FALSE(spool_->load_chunk(QueueId{2}, 1));
}

TEST_F(RecoveryTest, puts_messages_of_a_failed_group_into_quarantine) {
  open();
  for (std::uint64_t id = 1; id <= 3; ++id) ASSERT_TRUE(store(message(id)));
  auto held = message(4);
  held->state.hold_reason = "policy";
  ASSERT_TRUE(store(held));
  close();
  write("suspect", QueueId{2}.to_string() + "\n" + QueueId{4}.to_string() + "\n" +
                       QueueId{77}.to_string() + "\n");
  for (int round = 0; round < 2; ++round) {
    open();
    EXPECT_EQ(due_until(1000), (Ids{1, 3}));
    EXPECT_EQ(all(), (Ids{1, 2, 3, 4}));
    EXPECT_EQ(spool_->stats().quarantined, 2U);
    EXPECT_EQ(spool_->stats().messages, 4U);
    EXPECT_EQ(spool_->stats().held, 0U);
    EXPECT_NE(spool_->load(QueueId{2})->state.hold_reason.find("quarantine"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(home() / "suspect"));
    close();
  }
  open();
  ASSERT_TRUE(update(2, message(2)->state));  // An operator releases one and removes the other.
  ASSERT_TRUE(remove(4));
  EXPECT_EQ(spool_->stats().quarantined, 0U);
  EXPECT_EQ(due_until(1000), (Ids{1, 2, 3}));
  reopen();
  EXPECT_EQ(spool_->stats().quarantined, 0U);
  EXPECT_EQ(spool_->stats().messages, 3U);
}

TEST_F(RecoveryTest, refuses_a_spool_in_use) {
  open();
  EXPECT_EQ(refusal().fault, Fault::spool_in_use);
  close();
  open();
}

TEST_F(RecoveryTest, refuses_a_newer_spool_and_leaves_it_as_it_is) {
  open();
  ASSERT_TRUE(store(message(1)));
  close();
  write("format", "signet spool 2\nnode 00\n");
  EXPECT_EQ(refusal().fault, Fault::spool_newer);
  EXPECT_EQ(refusal(true).fault, Fault::spool_newer);
  write("format", "signet spool 1\nnode 00\n");
  open();
  EXPECT_EQ(all(), Ids{1});
}

TEST_F(RecoveryTest, refuses_a_damaged_format_file) {
  open();
  close();
  write("format", "what?");
  EXPECT_EQ(refusal().fault, Fault::spool_failed);
  std::filesystem::remove(home() / "format");
  EXPECT_EQ(refusal().fault, Fault::spool_failed);
}

TEST_F(RecoveryTest, says_when_a_flipped_bit_in_the_log_would_lose_mail_until_that_is_accepted) {
  open();
  store_many(200);
  close();
  flip_in_log(0.3);
  for (int round = 0; round < 2; ++round) {
    const Error error = refusal();
    EXPECT_EQ(error.fault, Fault::spool_lossy) << error.detail;
    EXPECT_NE(error.detail.find(" of "), std::string::npos) << error.detail;
  }
  open_accepting_loss();
  const Ids left = all();
  EXPECT_GE(left.size(), 180U) << "only a block of the log should be gone";
  EXPECT_LT(left.size(), 200U);
  EXPECT_EQ(due_until(1000), left);
  EXPECT_EQ(spool_->stats().messages, left.size());
  ASSERT_TRUE(store(message(1000)));
  reopen();
  EXPECT_EQ(all().size(), left.size() + 1);
}

TEST_F(RecoveryTest, says_when_the_end_of_the_log_is_missing) {
  open();
  store_many(50);
  close();
  const std::uintmax_t size = std::filesystem::file_size(log());
  std::filesystem::resize_file(log(), size / 2);
  EXPECT_EQ(refusal().fault, Fault::spool_lossy);
  open_accepting_loss();
  EXPECT_LT(all().size(), 50U);
  EXPECT_GE(all().size(), 20U);
}

TEST_F(RecoveryTest, says_when_the_log_or_the_whole_database_is_gone) {
  open();
  store_many(5);
  close();
  std::filesystem::remove(log());
  EXPECT_EQ(refusal().fault, Fault::spool_lossy);
  std::filesystem::remove_all(home() / "db");
  EXPECT_EQ(refusal().fault, Fault::spool_lossy);
  open_accepting_loss();
  EXPECT_EQ(all(), Ids());
}

TEST_F(RecoveryTest, forgives_a_torn_tail_that_was_never_durable) {
  open();
  store_many(5);
  close();
  std::ofstream(log(), std::ios::binary | std::ios::app) << std::string(3000, '\x5A');
  open();
  EXPECT_EQ(all().size(), 5U);
}

TEST_F(RecoveryTest, says_when_the_mark_is_gone_or_damaged) {
  open();
  store_many(5);
  close();
  write("mark", std::string(1024, 'x'));
  EXPECT_EQ(refusal().fault, Fault::spool_lossy);
  std::filesystem::remove(home() / "mark");
  EXPECT_EQ(refusal().fault, Fault::spool_lossy);
  open_accepting_loss();
  EXPECT_EQ(all().size(), 5U);
  reopen();
  EXPECT_EQ(all().size(), 5U);
}

TEST_F(RecoveryTest, keeps_the_identity_of_the_node) {
  open();
  close();
  const auto read = [this] {
    std::ifstream file(home() / "format");
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string first = read();
  EXPECT_EQ(first.size(), std::string("signet spool 1\nnode \n").size() + 32);
  open();
  close();
  EXPECT_EQ(read(), first);
}

TEST_F(RecoveryTest, a_session_without_a_write_does_not_look_like_a_loss) {
  open();
  ASSERT_TRUE(store(message(1), body(100)));
  ASSERT_TRUE(remove(1));  // A flush drops both.
  for (int session = 0; session < 3; ++session) {
    reopen();
    ASSERT_NE(spool_, nullptr);
    EXPECT_TRUE(all().empty());
  }
}

}  // namespace
}  // namespace signet::spool
