// Spool on RocksDB: hands writes to the committer, answers reads from the database.
#pragma once

#include <memory>
#include <shared_mutex>
#include <string>

#include "relay/spool/committer.hpp"
#include "relay/spool/counters.hpp"
#include "relay/spool/database.hpp"
#include "relay/spool/due_floor.hpp"
#include "relay/spool/free_space.hpp"
#include "relay/spool/health.hpp"
#include "relay/spool/high_water_mark.hpp"
#include "relay/spool/recovery.hpp"
#include "relay/spool/spool.hpp"
#include "relay/spool/spool_directory.hpp"
#include "relay/spool/upkeep.hpp"

namespace signet::spool {

class RocksSpool final : public Spool {
 public:
  /// Spool::open; `file_system` is RocksDB's, empty for the real one.
  [[nodiscard]] static Result<std::unique_ptr<RocksSpool>> open(Options options, const Clock& clock,
                                                                Database::FileSystem file_system);

  void put_chunk(QueueId id, std::uint32_t index, std::string bytes, Executor& on,
                 Done<void> done) override;
  void drop_chunks(QueueId id, std::uint32_t count) override;
  void store(std::shared_ptr<const Message> message, std::shared_ptr<const std::string> body,
             Executor& on, Done<void> done) override;
  void record_attempt(QueueId id, std::vector<std::uint32_t> indexes, Executor& on,
                      Done<void> done) override;
  void update(QueueId id, State state, WallTime previous_due, Attempts attempts, Executor& on,
              Done<void> done) override;
  void remove(QueueId id, WallTime previous_due, std::uint32_t body_chunks, Executor& on,
              Done<void> done) override;

  [[nodiscard]] Result<Message> load(QueueId id) const override;
  [[nodiscard]] Result<std::string> load_body(QueueId id) const override;
  [[nodiscard]] Result<std::string> load_chunk(QueueId id, std::uint32_t index) const override;
  [[nodiscard]] Result<std::vector<Entry>> due(Entry after, WallTime until,
                                               std::size_t limit) const override;
  [[nodiscard]] Result<std::vector<Message>> list(QueueId after, std::size_t limit) const override;
  [[nodiscard]] Stats stats() const override;
  [[nodiscard]] QueueId last_id() const override;
  [[nodiscard]] std::optional<std::string> broken() const override;
  [[nodiscard]] bool is_disk_short() const override;
  [[nodiscard]] bool is_suspended() const override;

  void run_upkeep();

 private:
  RocksSpool(SpoolDirectory directory, const Options& options, const Clock& clock,
             Database::FileSystem file_system);
  [[nodiscard]] Result<void> open_all(Options& options);
  void note(const std::string& reason, Database::Trouble trouble);
  [[nodiscard]] Result<void> recover(bool after_loss);
  /// After a write that found no room: reads the log anew, so that what a failed write left at its
  /// end is cut off. Does nothing while there is too little room for that. On the upkeep's thread.
  void reopen();
  [[nodiscard]] Result<void> open_anew();
  [[nodiscard]] Result<void> set_suspects_apart(Recovery& recovery);
  [[nodiscard]] Database::OnTrouble on_trouble();
  [[nodiscard]] Result<void> check_open() const;
  /// Whether there is room to open the database. Fault: disk_short.
  [[nodiscard]] Result<void> check_room() const;

  SpoolDirectory directory_;
  Database::FileSystem file_system_;
  mutable std::shared_mutex gate_;  ///< Shared by all who use the database, but for the upkeep.
  std::optional<HighWaterMark> mark_;
  FreeSpace free_space_;
  mutable DueFloor floor_;
  Counters counters_;
  Health health_;
  // Ended in reverse: the committer and the upkeep before what they use.
  std::unique_ptr<Database> database_;
  std::unique_ptr<Upkeep> upkeep_;
  std::unique_ptr<Committer> committer_;
};

}  // namespace signet::spool
