// The one thread that writes: everything that waits when it wakes is one group commit.
//
// New messages go to the syncer, which answers them; the rest is answered once written. What comes
// while a sync is under way, and what nobody waits for, is gathered for a millisecond. After a
// failed write or sync nothing is written any more (fsync errors must not be retried); the failing
// group's ids are kept as suspects.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
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
#include "relay/spool/syncer.hpp"

namespace signet::spool {

constexpr std::chrono::milliseconds kGather{1};
constexpr std::size_t kMaxGroupRequests = 1024;
constexpr std::size_t kMaxGroupBytes = std::size_t{8} << 20U;
/// Message octets that may wait for the committer; more are answered memory_short.
constexpr std::size_t kMaxWaitingBytes = std::size_t{64} << 20U;

class Committer {
 public:
  using OnCommit = Syncer::OnCommit;
  struct Neighbours {  ///< All outlive the committer.
    const Database& database;
    const SpoolDirectory& directory;
    HighWaterMark& mark;
    Counters& counters;
    DueFloor& floor;
    Health& health;
  };

  Committer(Neighbours neighbours, OnCommit on_commit);
  ~Committer();  ///< Commits what waits, syncs, and sets the exact mark.

  void submit(Request request);

 private:
  void run();
  /// Waits for work or the end; false: nothing is left and the end has come.
  [[nodiscard]] bool take(std::vector<Request>& taken);
  void commit(std::vector<Request>& requests);
  /// False: the spool is broken now.
  [[nodiscard]] bool write(Group& group);
  /// Answers what is done, and gives the messages to the syncer.
  void hand_on(std::vector<Request>& requests, Group& group, Syncer::Instant began);
  /// Answers those that have no answer yet.
  void refuse(std::vector<Request>& requests);

  Neighbours near_;
  Completions completions_;
  KnownHeads known_;
  Syncer syncer_;

  std::mutex mutex_;  ///< Guards all below.
  std::condition_variable wake_;
  std::vector<Request> waiting_;
  std::size_t waiting_bytes_ = 0;
  bool somebody_waits_ = false;
  bool ending_ = false;

  std::thread thread_;
};

}  // namespace signet::spool
