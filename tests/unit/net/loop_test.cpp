#include "relay/net/loop.hpp"

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/run_task.hpp"

namespace signet::net {
namespace {

using namespace std::chrono_literals;

Task<void> note_after(Loop& loop, std::chrono::milliseconds delay, std::string name,
                      std::vector<std::string>& notes) {
  co_await loop.sleep(delay);
  notes.push_back(std::move(name));
}

Task<void> stop_after(Loop& loop, std::chrono::milliseconds delay) {
  co_await loop.sleep(delay);
  loop.stop();
}

TEST(LoopTest, runs_what_was_posted_in_order_and_then_stops) {
  Loop loop;
  std::vector<int> order;
  loop.post([&] {
    order.push_back(1);
    loop.post([&] {
      order.push_back(3);
      loop.stop();
    });
  });
  loop.post([&] { order.push_back(2); });
  loop.run();
  EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST(LoopTest, runs_what_was_posted_before_stop) {
  Loop loop;
  bool ran = false;
  loop.post([&] { ran = true; });
  loop.stop();
  loop.run();
  EXPECT_TRUE(ran);
}

TEST(LoopTest, can_run_again_after_a_stop) {
  Loop loop;
  int runs = 0;
  for (int i = 0; i < 3; ++i) {
    loop.post([&] { ++runs; });
    loop.stop();
    loop.run();
  }
  EXPECT_EQ(runs, 3);
}

TEST(LoopTest, destroys_unrun_work_without_running_it) {
  auto alive = std::make_shared<int>(0);
  bool ran = false;
  {
    Loop loop;
    loop.post([alive, &ran] { ran = true; });
  }
  EXPECT_EQ(alive.use_count(), 1);
  EXPECT_FALSE(ran);
}

struct PostsWhenDestroyed {
  explicit PostsWhenDestroyed(Loop& target) : loop(&target) {}
  PostsWhenDestroyed(PostsWhenDestroyed&& other) noexcept
      : loop(std::exchange(other.loop, nullptr)) {}
  PostsWhenDestroyed& operator=(PostsWhenDestroyed&&) = delete;
  ~PostsWhenDestroyed() {
    if (loop != nullptr) loop->post([] {});
  }
  Loop* loop;
};

TEST(LoopTest, dropped_work_may_post_while_it_dies) {
  auto loop = std::make_unique<Loop>();
  loop->post([poster = PostsWhenDestroyed(*loop)] {});
  loop.reset();
}

TEST(LoopTest, takes_posts_from_many_threads) {
  constexpr int kThreads = 8;
  constexpr int kPosts = 500;
  Loop loop;
  int runs = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < kPosts; ++k) {
        loop.post([&] {
          if (++runs == kThreads * kPosts) loop.stop();
        });
      }
    });
  }
  loop.run();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(runs, kThreads * kPosts);
}

TEST(LoopTest, is_current_only_on_its_thread_while_it_runs) {
  LoopThread other("other");
  Loop loop;
  bool here = false;
  bool there = true;
  EXPECT_FALSE(loop.is_current());
  loop.post([&] {
    here = loop.is_current();
    there = other.loop().is_current();
    loop.stop();
  });
  loop.run();
  EXPECT_TRUE(here);
  EXPECT_FALSE(there);
}

TEST(LoopTest, wakes_sleepers_in_the_order_of_their_times) {
  Loop loop;
  std::vector<std::string> notes;
  TaskScope scope;
  scope.spawn(note_after(loop, 20ms, "second", notes));
  scope.spawn(note_after(loop, 0ms, "first", notes));
  scope.spawn(stop_after(loop, 40ms));
  loop.run();
  EXPECT_EQ(notes, (std::vector<std::string>{"first", "second"}));
}

TEST(LoopTest, forgets_a_sleeper_that_was_destroyed) {
  Loop loop;
  std::vector<std::string> notes;
  TaskScope kept;
  {
    TaskScope dropped;
    dropped.spawn(note_after(loop, 1ms, "dropped", notes));
  }
  kept.spawn(note_after(loop, 5ms, "kept", notes));
  kept.spawn(stop_after(loop, 10ms));
  loop.run();
  EXPECT_EQ(notes, std::vector<std::string>{"kept"});
}

TEST(LoopTest, samples_how_late_it_is) {
  Loop loop;
  std::vector<std::chrono::microseconds> samples;
  loop.on_lag([&](std::chrono::microseconds lag) {
    samples.push_back(lag);
    if (samples.size() == 1) {
      const auto end = std::chrono::steady_clock::now() + 150ms;
      while (std::chrono::steady_clock::now() < end) {
      }
    } else {
      loop.stop();
    }
  });
  loop.run();
  ASSERT_EQ(samples.size(), 2U);
  EXPECT_GE(samples[1], 40ms);  // The tick due 100 ms after the first was served 150 ms after it.
  EXPECT_EQ(loop.lag(), samples[1]);
}

TEST(LoopTest, hands_a_signal_to_its_handler) {
  Loop loop;
  int seen = 0;
  loop.on_signal(SIGUSR1, [&] {
    ++seen;
    loop.stop();
  });
  loop.post([] { std::raise(SIGUSR1); });
  loop.run();
  EXPECT_EQ(seen, 1);
}

TEST(LoopTest, makes_the_process_ignore_sigpipe) {
  const Loop loop;
  EXPECT_EQ(std::signal(SIGPIPE, SIG_IGN), SIG_IGN);
}

}  // namespace
}  // namespace signet::net
