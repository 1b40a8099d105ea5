// QueueScanner: finds due messages in the spool and hands each to the loop its id hashes to.
//
// One cursor over the due index, always moving forward, so that a scan never walks over what was
// delivered before; rewind() moves it back for what did not fit in memory, and once a minute it
// starts over (a clock that went back).
#pragma once

#include <mutex>
#include <vector>

#include "relay/pipeline.hpp"

namespace signet {

class QueueScanner {
 public:
  QueueScanner(Services& services, net::Loop& loop, std::vector<Pipeline*> pipelines);

  /// Starts scanning on the loop. On the loop's thread.
  void start();
  /// Something at `due` (or later) needs another look. Any thread.
  void rewind(WallTime due);
  void stop() { scope_.clear(); }

 private:
  enum class Pass { more, done, no_room };
  net::Task<void> scan();
  net::Task<Pass> pass();
  bool hand_over(QueueId id);

  Services& services_;
  net::Loop& loop_;
  std::vector<Pipeline*> pipelines_;
  spool::Entry cursor_;
  std::mutex mutex_;
  std::optional<WallTime> rewind_to_;
  net::TaskScope scope_;
};

}  // namespace signet
