// The thread that makes durable what the committer wrote, while the committer goes on writing: one
// sync for everything that was written before it began.
//
// New messages are answered after their sync. What needs no sync of its own is synced with the next
// message, or after 20 ms. After a failed sync nothing is synced any more (fsync errors must not be
// retried); the ids that wait are kept as suspects.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "relay/spool/completions.hpp"
#include "relay/spool/counters.hpp"
#include "relay/spool/database.hpp"
#include "relay/spool/group.hpp"
#include "relay/spool/health.hpp"
#include "relay/spool/high_water_mark.hpp"
#include "relay/spool/spool_directory.hpp"

namespace signet::spool {

constexpr std::chrono::milliseconds kSyncDelay{20};
constexpr std::chrono::seconds kMarkSyncDelay{1};

class Syncer {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  using OnCommit = std::function<void(std::size_t messages, std::chrono::microseconds took)>;
  struct Neighbours {  ///< All outlive the syncer.
    const Database& database;
    const SpoolDirectory& directory;
    HighWaterMark& mark;
    Counters& counters;
    Health& health;
  };
  struct Message {
    QueueId id;
    Executor* on = nullptr;
    Done<void> done;
  };
  /// A group as it was written.
  struct Written {
    std::vector<Message> messages;
    Group::Change change;  ///< Of the messages.
    Instant began;
  };

  Syncer(Neighbours neighbours, OnCommit on_commit);
  ~Syncer();  ///< Syncs what is written, and sets the exact mark.

  /// Takes a group that is in the log.
  void take(Written group);
  [[nodiscard]] bool is_syncing() const { return is_syncing_; }

 private:
  void run();
  /// Waits until a sync is due, or the mark's, or the end; true: sync `flight_`.
  [[nodiscard]] bool wait();
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  void sync();
  void refuse();
  void set_mark(std::uint64_t sequence);
  void sync_mark_if_late(Instant now);

  Neighbours near_;
  OnCommit on_commit_;
  Completions completions_;
  std::vector<Written> flight_;
  std::optional<Instant> mark_unsynced_since_;
  std::atomic<bool> is_syncing_ = false;

  std::mutex mutex_;  ///< Guards all below.
  std::condition_variable wake_;
  std::vector<Written> waiting_;
  bool messages_wait_ = false;
  std::optional<Instant> unsynced_since_;
  std::optional<Instant> wakes_by_;  ///< The syncer's own timer.
  bool ending_ = false;

  std::thread thread_;
};

}  // namespace signet::spool
