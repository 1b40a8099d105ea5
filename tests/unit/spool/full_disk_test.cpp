// The disk is full when RocksDB flushes: mail is refused for now, nothing is lost, and when there
// is room again it goes on by itself (B54).
#include <rocksdb/file_system.h>

#include <atomic>

#include "relay/spool/testing.hpp"
#include "tests/unit/spool/fixture.hpp"

namespace signet::spool {
namespace {

/// A file whose next append finds room for half of its octets only, while `is_full`.
class SmallFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  SmallFile(std::unique_ptr<rocksdb::FSWritableFile>&& file, const std::atomic<bool>& is_full,
            const std::atomic<bool>& sync_is_full)
      : FSWritableFileOwnerWrapper(std::move(file)),
        is_full_(is_full),
        sync_is_full_(sync_is_full) {}
  rocksdb::IOStatus Append(const rocksdb::Slice& octets, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
    if (!is_full_) return target()->Append(octets, options, debug);
    const rocksdb::Slice half(octets.data(), octets.size() / 2);
    target()->Append(half, options, debug).PermitUncheckedError();
    return rocksdb::IOStatus::NoSpace("full");
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& octets, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo& /*verification*/,
                           rocksdb::IODebugContext* debug) override {
    return Append(octets, options, debug);
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* debug) override {
    if (sync_is_full_) return rocksdb::IOStatus::NoSpace("full");
    return target()->Sync(options, debug);
  }

 private:
  const std::atomic<bool>& is_full_;
  const std::atomic<bool>& sync_is_full_;
};

class SmallDisk final : public rocksdb::FileSystemWrapper {
 public:
  SmallDisk() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  [[nodiscard]] const char* Name() const override { return "SmallDisk"; }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override {
    if (is_full && (name.ends_with(".sst") || name.ends_with(".blob")))
      return rocksdb::IOStatus::NoSpace("full");
    const rocksdb::IOStatus made = target()->NewWritableFile(name, options, result, debug);
    if (made.ok() && name.ends_with(".log"))
      *result = std::make_unique<SmallFile>(std::move(*result), log_is_full, sync_is_full);
    return made;
  }

  std::atomic<bool> is_full = false;      ///< For tables.
  std::atomic<bool> log_is_full = false;  ///< For what is written ahead.
  std::atomic<bool> sync_is_full = false;
};

TEST_F(SpoolTest, takes_mail_again_when_a_full_disk_has_room) {
  const auto disk = std::make_shared<SmallDisk>();
  const Options options = options_for(directory_.path() / "spool");
  auto opened = open_on(disk, options, clock_);
  ASSERT_TRUE(opened);
  spool_ = std::move(*opened);
  disk->is_full = true;
  const auto large = body(std::size_t{4} << 20U);
  std::uint64_t stored = 0;
  Result<void> answer = store(message(1), large);
  while (answer && stored < 100) answer = store(message(++stored + 1), large);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().fault, Fault::disk_short) << answer.error().detail;
  EXPECT_TRUE(spool_->is_disk_short());
  EXPECT_FALSE(spool_->broken());
  run_upkeep(*spool_);
  EXPECT_TRUE(spool_->is_disk_short());

  disk->is_full = false;
  // RocksDB looks for room by itself every five seconds.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (spool_->is_disk_short() && std::chrono::steady_clock::now() < deadline)
    run_upkeep(*spool_);
  EXPECT_FALSE(spool_->is_disk_short());
  EXPECT_TRUE(remove(1));
  EXPECT_TRUE(store(message(200), large));
  reopen();
  EXPECT_EQ(all().size(), stored);
  EXPECT_TRUE(spool_->load(QueueId{200}));
  EXPECT_FALSE(spool_->load(QueueId{stored + 1}));
}

class FullLogTest : public SpoolTest {
 protected:
  void open_small() {
    auto opened = open_on(disk_, options_for(directory_.path() / "spool"), clock_);
    ASSERT_TRUE(opened) << opened.error().detail;
    spool_ = std::move(*opened);
  }
  void make_room() {
    disk_->log_is_full = false;
    run_upkeep(*spool_);
  }

  std::shared_ptr<SmallDisk> disk_ = std::make_shared<SmallDisk>();
};

TEST_F(FullLogTest, takes_mail_again_when_the_log_has_room_and_keeps_what_it_had) {
  open_small();
  ASSERT_TRUE(store(message(1), body(1000)));
  ASSERT_TRUE(put_chunk(5, 0, "a body that is still arriving"));
  disk_->log_is_full = true;
  const Result<void> refused = store(message(2), body(1000));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::disk_short) << refused.error().detail;
  EXPECT_TRUE(spool_->is_disk_short());
  EXPECT_TRUE(spool_->is_suspended());
  EXPECT_FALSE(spool_->broken());
  EXPECT_TRUE(spool_->load(QueueId{1})) << "what is stored can be read meanwhile";

  make_room();
  EXPECT_FALSE(spool_->is_suspended());
  EXPECT_EQ(all(), std::vector<std::uint64_t>{1});
  EXPECT_EQ(spool_->load_chunk(QueueId{5}, 0).value(), "a body that is still arriving");
  EXPECT_TRUE(store(message(3), body(1000)));
  EXPECT_TRUE(remove(1));
  close();
  open_small();
  EXPECT_EQ(all(), std::vector<std::uint64_t>{3});
}

TEST_F(FullLogTest, leaves_a_log_with_a_failed_write_alone) {
  open_small();
  ASSERT_TRUE(store(message(1), body(10)));
  ASSERT_TRUE(remove(1));  // To be synced a little later.
  disk_->log_is_full = true;
  ASSERT_FALSE(store(message(2), body(10)));
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(200);
  while (std::chrono::steady_clock::now() < end) ASSERT_FALSE(store(message(3), body(10)));
  make_room();
  EXPECT_TRUE(store(message(4), body(10)));
  EXPECT_EQ(all(), std::vector<std::uint64_t>{4});
  disk_->log_is_full = true;
  ASSERT_FALSE(store(message(5), body(10)));
  close();  // What was written before is there, whatever the end finds.
  disk_->log_is_full = false;
  open_small();
  EXPECT_EQ(all(), std::vector<std::uint64_t>{4});
}

TEST_F(FullLogTest, starts_a_new_log_when_the_very_first_write_finds_no_room) {
  open_small();
  disk_->log_is_full = true;
  ASSERT_FALSE(store(message(1), body(10)));
  run_upkeep(*spool_);  // Opening anew with nothing to write needs no room.
  ASSERT_FALSE(store(message(1), body(10)));
  EXPECT_TRUE(spool_->is_suspended());
  EXPECT_FALSE(spool_->broken());
  make_room();
  EXPECT_FALSE(spool_->is_suspended());
  for (std::uint64_t id = 2; id < 20; ++id) EXPECT_TRUE(store(message(id), body(10)));
  reopen();
  EXPECT_EQ(all().size(), 18U);
}

TEST_F(FullLogTest, goes_through_many_full_disks) {
  open_small();
  std::vector<std::uint64_t> stored;
  for (std::uint64_t id = 1; id <= 30; ++id) {
    disk_->log_is_full = id % 3 == 0;
    if (store(message(id), body(id * 1000))) stored.push_back(id);
    if (disk_->log_is_full) make_room();
  }
  EXPECT_EQ(stored.size(), 20U);
  EXPECT_EQ(all(), stored);
  EXPECT_EQ(spool_->stats().messages, 20U);
  close();
  open_small();
  EXPECT_EQ(all(), stored);
}

TEST_F(FullLogTest, never_delivers_what_was_refused_though_it_reached_the_log) {
  open_small();
  ASSERT_TRUE(store(message(1), body(10)));
  disk_->sync_is_full = true;
  const Result<void> refused = store(message(2), body(10));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::disk_short) << refused.error().detail;
  disk_->sync_is_full = false;
  run_upkeep(*spool_);
  EXPECT_FALSE(spool_->is_suspended());
  EXPECT_EQ(due_until(1000), std::vector<std::uint64_t>{1});
  // What the log had of it is set apart, if the log had it.
  EXPECT_EQ(spool_->stats().messages - spool_->stats().quarantined, 1U);
  EXPECT_EQ(spool_->load(QueueId{2}).has_value(), spool_->stats().quarantined == 1);
  close();
  open_small();
  EXPECT_EQ(due_until(1000), std::vector<std::uint64_t>{1});
}

TEST_F(FullLogTest, names_the_full_disk_where_it_cannot_open) {
  disk_->log_is_full = true;
  disk_->is_full = true;
  auto opened = open_on(disk_, options_for(directory_.path() / "spool"), clock_);
  if (opened) {  // A new database writes nothing to its log.
    spool_ = std::move(*opened);
    disk_->log_is_full = false;
    ASSERT_TRUE(store(message(1), body(10)));
    close();
    opened = open_on(disk_, options_for(directory_.path() / "spool"), clock_);
  }
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().fault, Fault::disk_short) << opened.error().detail;
}

}  // namespace
}  // namespace signet::spool
