// While a sync is under way the spool goes on writing.
#include <rocksdb/file_system.h>

#include <future>

#include "relay/spool/testing.hpp"
#include "tests/unit/spool/fixture.hpp"

namespace signet::spool {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

/// Holds every sync of a log back while it is shut, and can make it fail.
class Gate {
 public:
  void shut() { state_ = State::shut; }
  void open(bool failing = false) {
    state_ = failing ? State::failing : State::open;
    state_.notify_all();
  }
  void wait_until_reached() { reached_.wait(false); }
  [[nodiscard]] IOStatus pass() {
    if (state_ == State::shut) {
      reached_ = true;
      reached_.notify_all();
      state_.wait(State::shut);
    }
    return state_ == State::failing ? IOStatus::IOError("injected") : IOStatus::OK();
  }

 private:
  enum class State { open, shut, failing };
  std::atomic<State> state_ = State::open;
  std::atomic<bool> reached_ = false;
};

class GatedLog final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  GatedLog(std::unique_ptr<rocksdb::FSWritableFile> file, Gate& gate)
      : FSWritableFileOwnerWrapper(std::move(file)), gate_(gate) {}
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    IOStatus passed = gate_.pass();
    return passed.ok() ? FSWritableFileOwnerWrapper::Sync(options, debug) : passed;
  }

 private:
  Gate& gate_;
};

class GatedFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit GatedFileSystem(Gate& gate)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), gate_(gate) {}
  [[nodiscard]] const char* Name() const override { return "GatedFileSystem"; }
  IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                           IODebugContext* debug) override {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    IOStatus made = target()->NewWritableFile(name, options, &file, debug);
    if (!made.ok()) return made;
    if (name.ends_with(".log")) {
      *result = std::make_unique<GatedLog>(std::move(file), gate_);
    } else {
      *result = std::move(file);
    }
    return made;
  }

 private:
  Gate& gate_;
};

class SyncerTest : public SpoolTest {
 protected:
  void SetUp() override {
    auto opened = open_on(std::make_shared<GatedFileSystem>(gate_),
                          options_for(directory_.path() / "spool"), clock_);
    ASSERT_TRUE(opened);
    spool_ = std::move(*opened);
    ASSERT_TRUE(store(message(1)));
    gate_.shut();
    spool_->store(message(2), body(100), here_,
                  [this](Result<void> answer) { second_.set_value(std::move(answer)); });
    gate_.wait_until_reached();
  }
  void TearDown() override { gate_.open(); }

  [[nodiscard]] static bool is_answered(const std::future<Result<void>>& answer) {
    return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }

  Gate gate_;
  std::promise<Result<void>> second_;
};

TEST_F(SyncerTest, writes_an_attempt_while_a_message_waits_for_its_sync) {
  auto stored = second_.get_future();
  EXPECT_TRUE(attempt(1));
  EXPECT_TRUE(remove(1));
  EXPECT_FALSE(is_answered(stored));
  gate_.open();
  EXPECT_TRUE(stored.get());
}

TEST_F(SyncerTest, counts_a_message_once_it_is_durable) {
  auto stored = second_.get_future();
  EXPECT_EQ(spool_->stats().messages, 1U);
  gate_.open();
  ASSERT_TRUE(stored.get());
  EXPECT_EQ(spool_->stats().messages, 2U);
}

TEST_F(SyncerTest, refuses_and_quarantines_all_that_was_written_before_a_failed_sync) {
  auto stored = second_.get_future();
  std::promise<Result<void>> third;
  spool_->store(message(3), body(100), here_,
                [&](Result<void> answer) { third.set_value(std::move(answer)); });
  EXPECT_TRUE(attempt(1));  // Behind the third: it is in the log too.
  gate_.open(true);
  EXPECT_EQ(stored.get().error().fault, Fault::spool_failed);
  EXPECT_EQ(third.get_future().get().error().fault, Fault::spool_failed);
  gate_.open();
  reopen();
  for (const std::uint64_t id : {2U, 3U}) {
    const auto found = spool_->load(QueueId{id});
    if (found) EXPECT_NE(found->state.hold_reason.find("quarantine"), std::string::npos) << id;
  }
  EXPECT_TRUE(spool_->load(QueueId{1}));
}

}  // namespace
}  // namespace signet::spool
