// Two connected streams on one loop, and the tasks that tests drive them with.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "relay/net/stream.hpp"
#include "tests/support/run_task.hpp"

namespace signet::net {

constexpr Timeout kLong = std::chrono::minutes(1);
constexpr Timeout kShort = std::chrono::milliseconds(10);

/// Connected by TCP over loopback, so that ends and resets are real.
std::pair<int, int> connected_descriptors();

class StreamTest : public ::testing::Test {
 protected:
  StreamTest();

  /// Reads until the end of the stream or a fault; "!fault" is appended for a fault.
  static Task<std::string> read_all(Stream& stream, std::size_t step, Timeout timeout);
  static Task<Result<std::size_t>> read_some(Stream& stream, std::span<char> into, Timeout timeout);
  static Task<Result<void>> write_all(Stream& stream, std::string bytes, Timeout timeout);
  /// Ignores the outcome, for tasks that only wait to be destroyed.
  template <typename T>
  static Task<void> forget(Task<T> task, bool& ended) {
    auto outcome = co_await std::move(task);
    ended = true;
  }
  /// Runs `task` to its end beside whatever is in `scope_`.
  template <typename T>
  T run(Task<T> task) {
    return test::run_task(loop_, std::move(task));
  }
  /// One round of the loop, with every event that is ready.
  void turn();

  Loop loop_;
  std::unique_ptr<Stream> near_;
  std::unique_ptr<Stream> far_;
  TaskScope scope_;
};

}  // namespace signet::net
