// Each change of the disk fails once, and for ever from then on: what was answered OK is there
// after a reopen, what was refused is absent or in quarantine (I1, I2, R2; B55, B93).
#include <map>

#include "relay/spool/testing.hpp"
#include "tests/unit/spool/faulty_file_system.hpp"
#include "tests/unit/spool/fixture.hpp"

namespace signet::spool {
namespace {

using Fails = FaultyFileSystem::Fails;

struct Case {
  const char* name;
  Fails fails;
  bool is_new;  ///< Otherwise the spool holds mail, and opening it recovers and flushes.
};

class FaultTest : public SpoolTest, public testing::WithParamInterface<Case> {
 protected:
  static constexpr std::uint64_t kMessages = 3;

  /// Works on a spool whose n-th change fails; remembers the answers. False: nothing failed.
  bool work(int nth) {
    answers_.clear();
    removed_ = false;
    if (!GetParam().is_new) {
      open(options(nth));
      answers_[10] = store(message(10), body(2000)).has_value();
      close();
    }
    auto system = std::make_shared<FaultyFileSystem>(nth, GetParam().fails);
    auto opened = open_on(system, options(nth), clock_);
    if (opened) {
      spool_ = std::move(*opened);
      for (std::uint64_t id = 1; id <= kMessages; ++id) {
        answers_[id] = store(message(id), body(2000)).has_value();
      }
      removed_ = remove(1).has_value();
      EXPECT_EQ(spool_->broken().has_value(), !removed_);
    }
    close();
    return system->has_failed();
  }

  void check(int nth) {
    open(options(nth));
    for (const auto& [id, stored] : answers_) {
      const auto found = spool_->load(QueueId{id});
      if (stored && !(id == 1 && removed_)) {
        EXPECT_TRUE(found) << "answered OK and lost: " << id;
      } else if (found && id != 1) {
        EXPECT_NE(found->state.hold_reason.find("quarantine"), std::string::npos) << id;
      }
    }
    close();
  }

  [[nodiscard]] Options options(int nth) const {
    return options_for(directory_.path() / ("spool" + std::to_string(nth)));
  }

  std::map<std::uint64_t, bool> answers_;
  bool removed_ = false;
};

TEST_P(FaultTest, keeps_its_promises_whichever_change_of_the_disk_fails) {
  constexpr int kEnough = 1000;
  int nth = 1;
  for (; nth < kEnough; ++nth) {
    SCOPED_TRACE("change " + std::to_string(nth));
    const bool failed = work(nth);
    check(nth);
    std::filesystem::remove_all(options(nth).directory);
    if (!failed || HasFailure()) break;
  }
  EXPECT_GT(nth, 15) << "the sweep has not reached the writes";
  EXPECT_LT(nth, kEnough);
}

INSTANTIATE_TEST_SUITE_P(Each, FaultTest,
                         testing::Values(Case{"new_once", Fails::once, true},
                                         Case{"used_once", Fails::once, false},
                                         Case{"used_for_ever", Fails::for_ever, false}),
                         [](const auto& which) { return which.param.name; });

TEST_F(SpoolTest, refuses_all_writes_after_a_failed_one_until_it_is_reopened) {
  const Options options = options_for(directory_.path() / "spool");
  int changes = 0;  // The first that hits a store.
  for (Result<void> answer; answer; ++changes) {
    std::filesystem::remove_all(options.directory);
    auto opened =
        open_on(std::make_shared<FaultyFileSystem>(changes, Fails::once), options, clock_);
    if (!opened) continue;
    spool_ = std::move(*opened);
    answer = store(message(1), body(100));
    if (!answer) EXPECT_EQ(answer.error().fault, Fault::spool_failed);
    if (answer) close();
  }
  ASSERT_TRUE(spool_->broken());
  EXPECT_NE(spool_->broken()->find("injected"), std::string::npos);
  EXPECT_EQ(store(message(2)).error().fault, Fault::spool_failed);
  EXPECT_EQ(attempt(1).error().fault, Fault::spool_failed);
  EXPECT_EQ(put_chunk(3, 0, "x").error().fault, Fault::spool_failed);
  EXPECT_FALSE(due_until(1000).size() > 1);  // Reading goes on.
  reopen();
  EXPECT_TRUE(store(message(2)));
  EXPECT_EQ(due_until(1000), std::vector<std::uint64_t>{2});
}

}  // namespace
}  // namespace signet::spool
