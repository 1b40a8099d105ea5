#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "relay/net/loop.hpp"
#include "tests/support/run_task.hpp"

namespace signet::net {
namespace {

using test::run_task;
using IntCompletion = Completion<std::unique_ptr<int>>;

Task<int> awaiting(Loop& loop, IntCompletion::Start start) {
  const auto value = co_await completion<std::unique_ptr<int>>(loop, std::move(start));
  co_return *value;
}

Task<void> discard(Task<int> task, bool& resumed) {
  co_await std::move(task);
  resumed = true;
}

Task<int> pooled(Executor& pool, Loop& loop, int count) {
  int total = 0;
  for (int i = 0; i < count; ++i) {
    total += co_await run_on(pool, loop, [i] { return i; });
  }
  co_return total;
}

Task<std::vector<std::thread::id>> where(Executor& pool, Loop& loop) {
  std::vector<std::thread::id> ids{std::this_thread::get_id()};
  ids.push_back(co_await run_on(pool, loop, [] { return std::this_thread::get_id(); }));
  ids.push_back(std::this_thread::get_id());
  co_return ids;
}

TEST(CompletionTest, takes_a_result_given_at_once) {
  Loop loop;
  EXPECT_EQ(run_task(loop, awaiting(loop, [](auto done) { done(std::make_unique<int>(3)); })), 3);
}

TEST(CompletionTest, takes_a_result_from_another_thread) {
  Loop loop;
  std::thread other;
  const int value = run_task(
      loop, awaiting(loop, [&](auto done) {
        other = std::thread([done = std::move(done)]() mutable { done(std::make_unique<int>(4)); });
      }));
  other.join();
  EXPECT_EQ(value, 4);
}

TEST(CompletionTest, drops_a_result_that_comes_after_the_waiter_died) {
  Loop loop;
  IntCompletion::Done kept;
  bool resumed = false;
  {
    TaskScope scope;
    scope.spawn(discard(awaiting(loop, [&](auto done) { kept = std::move(done); }), resumed));
  }
  kept(std::make_unique<int>(5));
  loop.stop();
  loop.run();
  EXPECT_FALSE(resumed);
}

TEST(CompletionTest, drops_a_result_that_is_on_its_way_when_the_waiter_dies) {
  Loop loop;
  bool resumed = false;
  {
    TaskScope scope;
    scope.spawn(
        discard(awaiting(loop, [](auto done) { done(std::make_unique<int>(6)); }), resumed));
  }
  loop.stop();
  loop.run();
  EXPECT_FALSE(resumed);
}

TEST(BlockingPoolTest, runs_work_off_the_loop_and_comes_back) {
  Loop loop;
  BlockingPool pool(2);
  const auto ids = run_task(loop, where(pool, loop));
  EXPECT_NE(ids[1], ids[0]);
  EXPECT_EQ(ids[2], ids[0]);
  EXPECT_EQ(run_task(loop, pooled(pool, loop, 100)), 4950);
}

TEST(BlockingPoolTest, finishes_what_runs_and_drops_what_waits) {
  auto token = std::make_shared<int>(0);
  const std::weak_ptr<int> waiting_work = token;
  bool finished = false;
  bool ran = false;
  {
    BlockingPool pool(1);
    std::promise<void> started;
    pool.post([&] {
      started.set_value();
      while (!waiting_work.expired()) std::this_thread::yield();
      finished = true;
    });
    pool.post([owned = std::move(token), &ran] { ran = true; });
    started.get_future().wait();
  }
  EXPECT_TRUE(finished);
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace signet::net
