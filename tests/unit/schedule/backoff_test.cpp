#include <gtest/gtest.h>

#include "relay/schedule/schedule.hpp"

namespace signet::schedule {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

class FakeClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return {}; }
  [[nodiscard]] SteadyTime steady() const override { return steady_; }
  void advance(SteadyTime::duration duration) { steady_ += duration; }

 private:
  SteadyTime steady_{hours(1000)};
};

class BackoffTest : public testing::Test {
 protected:
  [[nodiscard]] SteadyTime::duration wait(const std::string& destination) const {
    const SteadyTime until = backoff_.not_before(destination);
    return until == SteadyTime{} ? SteadyTime::duration{} : until - clock_.steady();
  }
  FakeClock clock_;
  Backoff backoff_{clock_};
};

TEST_F(BackoffTest, doubles_from_one_minute_to_thirty) {
  for (const int expected : {1, 2, 4, 8, 16, 30, 30}) {
    backoff_.failed("a");
    EXPECT_EQ(wait("a"), minutes(expected));
    clock_.advance(minutes(expected));
    EXPECT_EQ(backoff_.not_before("a"), SteadyTime{});
  }
  EXPECT_EQ(backoff_.not_before("b"), SteadyTime{});
}

TEST_F(BackoffTest, failures_of_one_outage_count_once) {
  for (int i = 0; i < 20; ++i) backoff_.failed("a");
  EXPECT_EQ(wait("a"), minutes(1));
}

TEST_F(BackoffTest, lists_what_is_held_back_now) {
  EXPECT_TRUE(backoff_.list().empty());
  backoff_.failed("a");
  clock_.advance(minutes(1));
  backoff_.failed("a");
  backoff_.failed("b");
  clock_.advance(minutes(1));
  const auto held = backoff_.list();
  ASSERT_EQ(held.size(), 1U) << "the back-off of b is over";
  EXPECT_EQ(held[0].destination, "a");
  EXPECT_EQ(held[0].failures, 2U);
  EXPECT_EQ(held[0].until - clock_.steady(), minutes(1));
}

TEST_F(BackoffTest, a_success_forgets_all) {
  backoff_.failed("a");
  clock_.advance(minutes(1));
  backoff_.failed("a");
  backoff_.succeeded("a");
  EXPECT_EQ(backoff_.size(), 0U);
  backoff_.failed("a");
  EXPECT_EQ(wait("a"), minutes(1));
}

TEST_F(BackoffTest, an_hour_of_silence_forgets_all) {
  backoff_.failed("a");
  clock_.advance(minutes(1));
  backoff_.failed("a");
  clock_.advance(minutes(2) + hours(1));
  backoff_.failed("a");
  EXPECT_EQ(wait("a"), minutes(1));
}

TEST_F(BackoffTest, the_table_is_bounded_and_frees_itself) {
  for (std::size_t i = 0; i < Backoff::kMaxEntries + 100; ++i) backoff_.failed(std::to_string(i));
  EXPECT_EQ(backoff_.size(), Backoff::kMaxEntries);
  clock_.advance(hours(2));
  backoff_.failed("new");
  EXPECT_EQ(backoff_.size(), 1U);
  EXPECT_EQ(wait("new"), minutes(1));
}

}  // namespace
}  // namespace signet::schedule
