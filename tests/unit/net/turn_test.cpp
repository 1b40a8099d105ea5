#include <gtest/gtest.h>

#include <chrono>

#include "relay/net/loop.hpp"

namespace signet::net {
namespace {

constexpr int kTasks = 50;
constexpr int kSlices = 20;
constexpr std::chrono::microseconds kSlice{200};

void spin() {
  const auto end = std::chrono::steady_clock::now() + kSlice;
  while (std::chrono::steady_clock::now() < end) {
  }
}

Task<void> work_in_slices(Loop& loop, int& done) {
  for (int i = 0; i < kSlices; ++i) {
    co_await loop.turn();
    spin();
    if (++done == kTasks * kSlices) loop.stop();
  }
}

Task<void> look_after_a_moment(Loop& loop, const int& done, int& seen) {
  co_await loop.sleep(std::chrono::milliseconds(1));
  seen = done;
}

TEST(TurnTest, lets_other_events_in_between_the_slices) {
  Loop loop;
  TaskScope scope;
  int done = 0;
  int seen = -1;
  for (int i = 0; i < kTasks; ++i) scope.spawn(work_in_slices(loop, done));
  scope.spawn(look_after_a_moment(loop, done, seen));
  loop.run();
  EXPECT_EQ(done, kTasks * kSlices);
  EXPECT_GE(seen, 0);
  EXPECT_LT(seen, kTasks * kSlices / 2);
}

TEST(TurnTest, one_task_may_take_turn_after_turn) {
  Loop loop;
  TaskScope scope;
  int done = kTasks * kSlices - kSlices;
  int seen = -1;
  scope.spawn(work_in_slices(loop, done));
  scope.spawn(look_after_a_moment(loop, done, seen));
  loop.run();
  EXPECT_EQ(done, kTasks * kSlices);
}

TEST(TurnTest, a_destroyed_waiter_is_never_resumed) {
  Loop loop;
  int done = 0;
  {
    TaskScope scope;
    scope.spawn(work_in_slices(loop, done));
  }
  TaskScope other;
  int others = kTasks * kSlices - kSlices;
  other.spawn(work_in_slices(loop, others));
  loop.run();
  EXPECT_EQ(done, 0);
}

}  // namespace
}  // namespace signet::net
