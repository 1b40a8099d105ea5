// The spool's figures: kept while it works, read without blocking.
#pragma once

#include <atomic>
#include <cstdint>

#include "relay/spool/spool.hpp"

namespace signet::spool {

struct Counters {
  static constexpr std::int64_t kNone = -1;  ///< Of the two times.

  std::atomic<std::uint64_t> messages = 0;
  std::atomic<std::uint64_t> held = 0;
  std::atomic<std::uint64_t> quarantined = 0;
  std::atomic<std::uint64_t> maybe = 0;
  std::atomic<std::uint64_t> commits = 0;
  std::atomic<std::uint64_t> syncs = 0;
  std::atomic<std::uint64_t> last_id = 0;
  std::atomic<std::uint64_t> removed_bytes = 0;  ///< Since the last collection of dead bodies.
  std::atomic<std::uint64_t> disk_bytes = 0;
  std::atomic<std::uint64_t> compaction_pending_bytes = 0;
  std::atomic<std::uint64_t> compactions = 0;
  std::atomic<std::uint64_t> flushes = 0;
  std::atomic<std::uint64_t> stalls = 0;
  std::atomic<bool> write_delayed = false;
  std::atomic<bool> write_stopped = false;
  std::atomic<std::int64_t> oldest = kNone;       ///< Milliseconds since 1970.
  std::atomic<std::int64_t> oldest_held = kNone;  ///< Milliseconds since 1970.

  [[nodiscard]] Stats snapshot() const;
};

}  // namespace signet::spool
