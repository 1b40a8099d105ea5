// The disk is full when RocksDB flushes: mail is refused for now, nothing is lost, and when there
// is room again it goes on by itself (B54).
#include <rocksdb/file_system.h>

#include <atomic>

#include "relay/spool/testing.hpp"
#include "tests/unit/spool/fixture.hpp"

namespace signet::spool {
namespace {

class SmallDisk final : public rocksdb::FileSystemWrapper {
 public:
  SmallDisk() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  [[nodiscard]] const char* Name() const override { return "SmallDisk"; }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override {
    if (is_full && (name.ends_with(".sst") || name.ends_with(".blob")))
      return rocksdb::IOStatus::NoSpace("full");
    return target()->NewWritableFile(name, options, result, debug);
  }

  std::atomic<bool> is_full = false;
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

}  // namespace
}  // namespace signet::spool
