// One group commit in the making: requests become two write batches and the change of the counters.
//
// The relaxed batch holds what need not be synced before it is answered, the durable one the new
// messages. Whoever asks for a message again has its first answer, so a message's requests are
// never split over both out of order.
#pragma once

#include <rocksdb/write_batch.h>

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "relay/spool/counters.hpp"
#include "relay/spool/database.hpp"
#include "relay/spool/due_floor.hpp"
#include "relay/spool/known_heads.hpp"
#include "relay/spool/requests.hpp"

namespace signet::spool {

class Group {
 public:
  Group(const Database& database, const KnownHeads& known) : database_(database), known_(known) {}

  /// Puts a request into its batch. Faults: not_found (no such message), spool_failed (its row
  /// can't be read); the request then leaves no trace in the group.
  [[nodiscard]] Result<void> add(const Request& request);

  [[nodiscard]] rocksdb::WriteBatch& relaxed() { return relaxed_; }
  [[nodiscard]] rocksdb::WriteBatch& durable() { return durable_; }
  [[nodiscard]] Entry lowest_due() const { return lowest_due_; }
  [[nodiscard]] const std::vector<QueueId>& stored() const { return stored_; }

  /// To be called once the batches are written.
  void apply_relaxed(Counters& counters) const;
  void apply_durable(Counters& counters) const;
  void apply_heads(KnownHeads& known) const;

 private:
  struct Change {
    std::int64_t messages = 0;
    std::int64_t held = 0;
    std::int64_t quarantined = 0;
    std::uint64_t removed_bytes = 0;
    void apply(Counters& counters) const;
  };

  Result<void> add(QueueId id, const PutChunk& chunk);
  Result<void> add(QueueId id, const DropChunks& drop);
  Result<void> add(QueueId id, const StoreMessage& store);
  Result<void> add(QueueId id, const RecordAttempt& attempt);
  Result<void> add(QueueId id, const UpdateState& update);
  Result<void> add(QueueId id, const RemoveMessage& remove);

  /// The message's row as this group will leave it.
  [[nodiscard]] Result<StateHead> head_of(QueueId id);
  /// Deletes what the head says is in the indexes; the row stays.
  void leave_indexes(QueueId id, const StateHead& head);
  void enter_indexes(QueueId id, const StateHead& head, rocksdb::WriteBatch& batch, Change& change);
  void delete_message(QueueId id, const StateHead& head);
  void put_state(QueueId id, const StateHead& head, const std::string& state,
                 rocksdb::WriteBatch& batch);
  [[nodiscard]] rocksdb::ColumnFamilyHandle* column(Column column) const {
    return database_.column(column);
  }

  const Database& database_;
  const KnownHeads& known_;
  rocksdb::WriteBatch relaxed_;
  rocksdb::WriteBatch durable_;
  Change relaxed_change_;
  Change durable_change_;
  Entry lowest_due_ = DueFloor::kLast;
  std::vector<QueueId> stored_;
  std::unordered_map<QueueId, std::optional<StateHead>> touched_;  ///< Empty: deleted.
};

}  // namespace signet::spool
