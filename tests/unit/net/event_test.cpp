#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "relay/net/loop.hpp"

namespace signet::net {
namespace {

using namespace std::chrono_literals;

class EventTest : public ::testing::Test {
 protected:
  static Task<void> wait(EventTest& test, std::string name, std::chrono::milliseconds timeout) {
    const bool notified = co_await test.event_->wait(timeout);
    test.notes_.push_back(name + (notified ? " notified" : " timed out"));
  }
  static Task<void> wait_twice(EventTest& test) {
    co_await wait(test, "first", 1h);
    test.event_->notify_all();
    co_await wait(test, "second", 1ms);
  }
  static Task<void> stop_after(Loop& loop, std::chrono::milliseconds delay) {
    co_await loop.sleep(delay);
    loop.stop();
  }
  void run(std::chrono::milliseconds duration) {
    TaskScope scope;
    scope.spawn(stop_after(loop_, duration));
    loop_.run();
  }

  Loop loop_;
  std::unique_ptr<Event> event_ = std::make_unique<Event>(loop_);
  std::vector<std::string> notes_;
  TaskScope scope_;
};

using Notes = std::vector<std::string>;

TEST_F(EventTest, notify_one_wakes_the_longest_waiting) {
  scope_.spawn(wait(*this, "a", 1h));
  scope_.spawn(wait(*this, "b", 1h));
  event_->notify_one();
  EXPECT_EQ(notes_, Notes{}) << "never on the notifier's stack";
  run(1ms);
  EXPECT_EQ(notes_, Notes{"a notified"});
}

TEST_F(EventTest, notify_all_wakes_everybody_in_order) {
  for (const char* name : {"a", "b", "c"}) scope_.spawn(wait(*this, name, 1h));
  event_->notify_all();
  run(1ms);
  EXPECT_EQ(notes_, (Notes{"a notified", "b notified", "c notified"}));
}

TEST_F(EventTest, a_wait_ends_at_its_timeout) {
  scope_.spawn(wait(*this, "a", 1ms));
  run(30ms);
  EXPECT_EQ(notes_, Notes{"a timed out"});
}

TEST_F(EventTest, a_notification_without_waiters_is_not_kept) {
  event_->notify_one();
  event_->notify_all();
  scope_.spawn(wait(*this, "a", 1ms));
  run(30ms);
  EXPECT_EQ(notes_, Notes{"a timed out"});
}

TEST_F(EventTest, a_destroyed_waiter_is_not_woken) {
  {
    TaskScope dropped;
    dropped.spawn(wait(*this, "dropped", 1h));
  }
  scope_.spawn(wait(*this, "kept", 1h));
  event_->notify_one();
  run(1ms);
  EXPECT_EQ(notes_, Notes{"kept notified"});
}

TEST_F(EventTest, a_notification_does_not_die_with_the_waiter_that_got_it) {
  auto dropped = std::make_unique<TaskScope>();
  dropped->spawn(wait(*this, "dropped", 1h));
  scope_.spawn(wait(*this, "kept", 1h));
  event_->notify_one();
  dropped.reset();
  run(1ms);
  EXPECT_EQ(notes_, Notes{"kept notified"});
}

TEST_F(EventTest, outlived_by_waiters_it_leaves_them_their_outcome) {
  scope_.spawn(wait(*this, "a", 1h));
  scope_.spawn(wait(*this, "b", 1ms));
  event_->notify_one();
  event_.reset();
  run(30ms);
  EXPECT_EQ(notes_, (Notes{"a notified", "b timed out"}));
}

TEST_F(EventTest, a_waiter_may_wait_again_when_woken) {
  scope_.spawn(wait_twice(*this));
  event_->notify_one();
  run(30ms);
  EXPECT_EQ(notes_, (Notes{"first notified", "second timed out"}));
}

}  // namespace
}  // namespace signet::net
