// What the tests of the spool share: a directory of their own, an executor that counts its posts,
// messages to store, and calls that wait for their answer.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "relay/base/clock.hpp"
#include "relay/spool/spool.hpp"
#include "tests/support/scratch_folder.hpp"

namespace signet::spool {

/// Runs the work at once, on the thread that posts.
class InlineExecutor final : public Executor {
 public:
  void post(Work work) override {
    ++posts;
    work();
  }
  std::atomic<int> posts = 0;
};

[[nodiscard]] WallTime at(std::int64_t seconds);
[[nodiscard]] Options options_for(const std::filesystem::path& directory);
/// A message for one queued recipient, due at second `due`.
[[nodiscard]] std::shared_ptr<Message> message(std::uint64_t id, std::int64_t due = 100);
[[nodiscard]] std::shared_ptr<const std::string> body(std::size_t size, char fill = 'b');

/// A spool in a directory of its own, with calls that wait.
class SpoolTest : public testing::Test {
 protected:
  void open() { open(options_for(directory_.path() / "spool")); }
  void open(Options options);
  void close() { spool_.reset(); }
  void reopen() {
    close();
    open();
  }

  [[nodiscard]] Result<void> store(std::shared_ptr<const Message> message,
                                   std::shared_ptr<const std::string> body = nullptr);
  [[nodiscard]] Result<void> put_chunk(std::uint64_t id, std::uint32_t index, std::string bytes);
  [[nodiscard]] Result<void> attempt(std::uint64_t id);
  [[nodiscard]] Result<void> update(std::uint64_t id, State state, WallTime previous_due = at(100),
                                    Attempts attempts = Attempts::over);
  [[nodiscard]] Result<void> remove(std::uint64_t id);
  [[nodiscard]] std::vector<std::uint64_t> due_until(std::int64_t seconds, Entry after = {}) const;
  [[nodiscard]] std::vector<std::uint64_t> all() const;

  test::ScratchFolder directory_;
  SystemClock clock_;
  InlineExecutor here_;
  std::unique_ptr<Spool> spool_;
};

/// Waits for the answer of one write.
[[nodiscard]] Result<void> wait_for(const std::function<void(Done<void>)>& call);

}  // namespace signet::spool
