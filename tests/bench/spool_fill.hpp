// Deferred messages for benches, put into a spool without a relay.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>

#include "relay/spool/spool.hpp"

namespace signet::bench {

constexpr std::size_t kFillBody = 4096;  ///< Octets of a body; a header of 400 comes on top.

class InlineExecutor final : public Executor {
 public:
  void post(Work work) override { work(); }
};

/// A message for one recipient, next tried at `due`.
[[nodiscard]] std::shared_ptr<const spool::Message> deferred_message(std::uint64_t id,
                                                                     WallTime due);

/// Runs `count` calls of `write(id, done)`, 64 at a time, to their end; the program with them if
/// one fails.
class Pump {
 public:
  using Write = std::function<void(std::uint64_t id, spool::Done<void> done)>;
  Pump(std::uint64_t first, std::uint64_t count, Write write)
      : write_(std::move(write)), next_(first), end_(first + count), left_(count) {}

  void run();

 private:
  void start(std::uint64_t id);

  Write write_;
  std::atomic<std::uint64_t> next_;
  std::uint64_t end_;
  std::atomic<std::uint64_t> left_;
  std::promise<void> finished_;
};

/// A new spool at `directory` with `count` messages due at `due`; closed again.
void fill_spool(const std::filesystem::path& directory, std::uint64_t count, WallTime due);

}  // namespace signet::bench
