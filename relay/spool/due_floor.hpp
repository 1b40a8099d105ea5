// A lower bound of the due index, so that a scan need not step over the tombstones of everything
// that was ever due earlier. No I/O; safe from any thread.
#pragma once

#include <mutex>

#include "relay/spool/spool.hpp"

namespace signet::spool {

/// Nothing in the index is before the floor. Scans raise it to the first entry they meet, unless
/// something earlier is written meanwhile.
class DueFloor {
 public:
  static constexpr Entry kLast{WallTime::max(), QueueId{~0ULL}};

  /// Entries at or after `lowest` are about to be written.
  void writing(Entry lowest);
  /// They are visible now.
  void written();

  /// Begins a scan; its iterator must be made afterwards. Where to begin at the earliest.
  [[nodiscard]] Entry begin_scan();
  /// Ends a scan that began at the floor and met nothing before `first`.
  void end_scan(Entry first);
  /// Ends a scan that learned nothing.
  void end_scan();

 private:
  std::mutex mutex_;
  Entry floor_{WallTime::min(), QueueId{}};
  Entry writing_ = kLast;
  Entry written_during_scan_ = kLast;
  unsigned scans_ = 0;
};

}  // namespace signet::spool
