#include "relay/spool/counters.hpp"

namespace signet::spool {
namespace {

std::optional<WallTime> to_time(std::int64_t milliseconds) {
  if (milliseconds == Counters::kNone) return std::nullopt;
  return WallTime(std::chrono::milliseconds(milliseconds));
}

}  // namespace

Stats Counters::snapshot() const {
  Stats stats;
  stats.messages = messages;
  stats.held = held;
  stats.quarantined = quarantined;
  stats.maybe = maybe;
  stats.commits = commits;
  stats.syncs = syncs;
  stats.disk_bytes = disk_bytes;
  stats.compaction_pending_bytes = compaction_pending_bytes;
  stats.compactions = compactions;
  stats.flushes = flushes;
  stats.stalls = stalls;
  stats.write_delayed = write_delayed;
  stats.write_stopped = write_stopped;
  stats.oldest = to_time(oldest);
  stats.oldest_held = to_time(oldest_held);
  return stats;
}

}  // namespace signet::spool
