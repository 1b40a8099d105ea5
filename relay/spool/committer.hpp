// The one thread that writes: everything that waits when it wakes is one group commit.
//
// New messages are answered after their sync. The rest is answered once written and is synced with
// the next group, or by itself after 20 ms. After a failed write or sync nothing is written any
// more (fsync errors must not be retried); the failing group's ids are kept as suspects.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <thread>
#include <vector>

#include "relay/spool/completions.hpp"
#include "relay/spool/counters.hpp"
#include "relay/spool/database.hpp"
#include "relay/spool/due_floor.hpp"
#include "relay/spool/group.hpp"
#include "relay/spool/health.hpp"
#include "relay/spool/high_water_mark.hpp"
#include "relay/spool/requests.hpp"
#include "relay/spool/spool_directory.hpp"

namespace signet::spool {

constexpr std::chrono::milliseconds kSyncDelay{20};
constexpr std::chrono::seconds kMarkDelay{1};  ///< The mark is at most this far behind.
/// While messages come in company, groups begin at least this far apart: where a sync is quicker,
/// one for every few messages costs more of the processor than their writing.
constexpr std::chrono::milliseconds kGather{2};
constexpr std::size_t kMaxGroupRequests = 1024;
constexpr std::size_t kMaxGroupBytes = std::size_t{8} << 20U;
/// Message octets that may wait for the committer; more are answered memory_short.
constexpr std::size_t kMaxWaitingBytes = std::size_t{64} << 20U;

class Committer {
 public:
  using OnCommit = std::function<void(std::size_t messages, std::chrono::microseconds took)>;
  struct Neighbours {  ///< All outlive the committer.
    const Database& database;
    SpoolDirectory& directory;
    HighWaterMark& mark;
    Counters& counters;
    DueFloor& floor;
    Health& health;
    std::shared_mutex& gate;  ///< Held alone by who opens the database anew.
  };

  Committer(Neighbours neighbours, OnCommit on_commit);
  ~Committer();  ///< Commits what waits, syncs, and sets the exact mark.

  void submit(Request request);

 private:
  using Instant = std::chrono::steady_clock::time_point;

  void run();
  /// Waits for work, the end, or the time of a sync; false: nothing is left and the end has come.
  [[nodiscard]] bool take(std::vector<Request>& taken);
  void gather(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  void commit(std::vector<Request>& requests);
  void note_failure(const rocksdb::Status& status);
  /// False: the spool is broken or suspended now.
  [[nodiscard]] bool write_relaxed(Group& group);
  [[nodiscard]] bool write_durable(Group& group);
  /// Answers the requests that needed a sync, or those that did not.
  void answer(std::vector<Request>& requests, bool synced);
  /// Answers those that have no answer yet.
  void refuse(std::vector<Request>& requests);
  void sync_if_late(Instant now);
  void synced();

  Neighbours near_;
  OnCommit on_commit_;
  Completions completions_;
  KnownHeads known_;
  std::optional<Instant> unsynced_since_;
  std::uint64_t durable_ = 0;              ///< Sequence number of the last sync.
  std::optional<Instant> unmarked_since_;  ///< The mark does not say `durable_` since then.
  Instant group_began_;
  bool has_company_ = false;  ///< The last group held several messages.

  std::mutex mutex_;  ///< Guards all below.
  std::condition_variable wake_;
  std::vector<Request> waiting_;
  std::size_t waiting_bytes_ = 0;
  bool ending_ = false;
  bool gathering_ = false;  ///< Nobody needs to wake the committer.

  std::thread thread_;
};

}  // namespace signet::spool
