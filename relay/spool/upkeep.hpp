// What the spool does once a second beside the mail: figures that need a look at the disk, and
// returning the space of bodies that were delivered.
//
// RocksDB drops the body of a message that came and went between two flushes by itself. What was
// flushed is dead weight until a compaction: one is run when the removed octets outweigh the live.
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>

#include "relay/spool/counters.hpp"
#include "relay/spool/database.hpp"
#include "relay/spool/health.hpp"

namespace signet::spool {

class Upkeep {
 public:
  /// Opens the database anew if there is room; called while `health` asks for it.
  using Reopen = std::function<void()>;

  /// All outlive this.
  Upkeep(Database& database, Counters& counters, Health& health, std::filesystem::path directory,
         Reopen reopen);
  ~Upkeep();

  /// Starts the thread.
  void start();
  /// One round, on the caller's thread.
  void run_once();

 private:
  void run();
  void look_at_oldest();
  void measure_disk();
  void measure_compaction();
  void retry_after_trouble();
  void collect_dead_bodies();
  void compact(Column column, bool move_live_blobs);
  [[nodiscard]] std::uint64_t blob_bytes(bool only_dead) const;

  Database& database_;
  Counters& counters_;
  Health& health_;
  std::filesystem::path directory_;
  Reopen reopen_;
  std::mutex round_;  ///< One round at a time.
  QueueId oldest_{};  ///< No record is before it.
  std::atomic<bool> ending_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::thread thread_;
};

}  // namespace signet::spool
