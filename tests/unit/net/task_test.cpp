#include "relay/net/task.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace signet::net {
namespace {

/// Waits until somebody resumes it by hand; says when it is destroyed.
struct Gate {
  std::coroutine_handle<> waiter;
  bool left = false;
};
struct AtGate {
  explicit AtGate(Gate& owner) : gate(owner) {}
  AtGate(const AtGate&) = delete;
  AtGate& operator=(const AtGate&) = delete;
  ~AtGate() { gate.left = true; }
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) const { gate.waiter = waiter; }
  void await_resume() const noexcept {}
  Gate& gate;
};

Task<int> number(int value) { co_return value; }

Task<int> sum(std::vector<int> values) {
  int total = 0;
  for (const int value : values) total += co_await number(value);
  co_return total;
}

Task<void> keep(Task<int> task, int& result) { result = co_await std::move(task); }

Task<int> pass(Gate& gate) {
  co_await AtGate(gate);
  co_return 7;
}

Task<int> thrower() {
  throw std::runtime_error("end");
  co_return 0;
}

Task<void> catcher(std::string& caught) {
  try {
    co_await thrower();
  } catch (const std::runtime_error& error) {
    caught = error.what();
  }
}

Task<void> flagged(bool& ran) {
  ran = true;
  co_return;
}

TEST(TaskTest, returns_what_it_awaited) {
  TaskScope scope;
  int result = 0;
  scope.spawn(keep(sum({1, 2, 3}), result));
  EXPECT_EQ(result, 6);
  EXPECT_EQ(scope.size(), 0U);
}

TEST(TaskTest, does_not_start_before_it_is_awaited) {
  bool ran = false;
  {
    const auto task = flagged(ran);
  }
  EXPECT_FALSE(ran);
}

TEST(TaskTest, hands_an_exception_to_the_one_that_awaits) {
  TaskScope scope;
  std::string caught;
  scope.spawn(catcher(caught));
  EXPECT_EQ(caught, "end");
}

TEST(TaskTest, resumes_through_all_callers) {
  TaskScope scope;
  Gate gate;
  int result = 0;
  scope.spawn(keep(pass(gate), result));
  EXPECT_EQ(scope.size(), 1U);
  EXPECT_EQ(result, 0);
  gate.waiter.resume();
  EXPECT_EQ(result, 7);
  EXPECT_EQ(scope.size(), 0U);
}

TEST(TaskTest, destroying_the_scope_destroys_what_is_waited_for) {
  Gate gate;
  int result = 0;
  {
    TaskScope scope;
    scope.spawn(keep(pass(gate), result));
    EXPECT_FALSE(gate.left);
  }
  EXPECT_TRUE(gate.left);
  EXPECT_EQ(result, 0);
}

}  // namespace
}  // namespace signet::net
