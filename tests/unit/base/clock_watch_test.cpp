#include "relay/base/clock_watch.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace signet {
namespace {

using namespace std::chrono_literals;

class HandClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return WallTime(wall); }
  [[nodiscard]] SteadyTime steady() const override { return SteadyTime(time); }
  void pass(std::chrono::milliseconds duration) {
    wall += duration;
    time += duration;
  }
  std::chrono::milliseconds wall = 1'000'000h;
  std::chrono::steady_clock::duration time = 1h;
};

class ClockWatchTest : public testing::Test {
 protected:
  auto look(bool synchronised = true) { return watch_.look(clock_, synchronised, rules_); }
  HandClock clock_;
  ClockWatch watch_;
  ClockWatch::Rules rules_{.steady = 120s};
};

TEST_F(ClockWatchTest, trusts_a_clock_that_runs) {
  EXPECT_TRUE(watch_.is_steady());
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(look());
    clock_.pass(1s);
  }
  clock_.pass(3h);  // A loop that did not come to look is no step.
  EXPECT_FALSE(look());
  EXPECT_TRUE(watch_.is_steady());
}

TEST_F(ClockWatchTest, distrusts_it_after_a_step_until_it_was_steady) {
  for (const auto step : std::vector<std::chrono::milliseconds>{61s, -61s, 24h * 365}) {
    EXPECT_FALSE(look());
    clock_.wall += step;
    EXPECT_EQ(look(), step);
    EXPECT_FALSE(watch_.is_steady());
    clock_.pass(119s);
    EXPECT_FALSE(look());
    EXPECT_FALSE(watch_.is_steady());
    clock_.pass(1s);
    EXPECT_FALSE(look());
    EXPECT_TRUE(watch_.is_steady());
  }
}

TEST_F(ClockWatchTest, a_second_step_begins_the_wait_anew) {
  look();
  clock_.wall += 2min;
  look();
  clock_.pass(100s);
  clock_.wall -= 2min;
  EXPECT_EQ(look(), -2min);
  clock_.pass(100s);
  look();
  EXPECT_FALSE(watch_.is_steady());
}

TEST_F(ClockWatchTest, small_steps_are_fine) {
  look();
  clock_.wall += 60s;
  EXPECT_FALSE(look());
  EXPECT_TRUE(watch_.is_steady());
}

TEST_F(ClockWatchTest, an_unsynchronised_kernel_is_a_gate_only_where_asked) {
  look(false);
  EXPECT_TRUE(watch_.is_steady());
  rules_.require_sync = true;
  look(false);
  EXPECT_FALSE(watch_.is_steady());
  look(true);
  EXPECT_TRUE(watch_.is_steady());
}

}  // namespace
}  // namespace signet
