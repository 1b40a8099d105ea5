// Runs one coroutine to its end on a loop of the test's own thread.
#pragma once

#include <optional>

#include "relay/net/loop.hpp"
#include "relay/net/task.hpp"

namespace signet::test {

template <typename T>
net::Task<void> keep_result(net::Loop& loop, net::Task<T> task, std::optional<T>& result) {
  result.emplace(co_await std::move(task));
  loop.stop();
}

inline net::Task<void> then_stop(net::Loop& loop, net::Task<void> task) {
  co_await std::move(task);
  loop.stop();
}

template <typename T>
T run_task(net::Loop& loop, net::Task<T> task) {
  std::optional<T> result;
  net::TaskScope scope;
  scope.spawn(keep_result(loop, std::move(task), result));
  loop.run();
  return std::move(*result);
}

inline void run_task(net::Loop& loop, net::Task<void> task) {
  net::TaskScope scope;
  scope.spawn(then_stop(loop, std::move(task)));
  loop.run();
}

}  // namespace signet::test
