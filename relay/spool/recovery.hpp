// What is put right when a spool is opened, before anybody uses it.
//
// Attempts without an outcome become "maybe" (I4), groups whose sync failed go to quarantine (I2),
// chunks without a message are deleted, and the counters are made from the keys alone.
#pragma once

#include <vector>

#include "relay/base/result.hpp"
#include "relay/spool/counters.hpp"
#include "relay/spool/database.hpp"

namespace signet::spool {

class Recovery {
 public:
  explicit Recovery(Database& database, Counters& counters)
      : database_(database), counters_(counters) {}

  /// Takes out what an accepted loss left without its message. Fault: spool_failed.
  [[nodiscard]] Result<void> drop_incomplete();
  /// Each attempt without an outcome: counted, and its message stays due. Fault: spool_failed.
  [[nodiscard]] Result<void> settle_attempts();
  /// Messages of groups that failed: listed and counted, never due. Fault: spool_failed.
  [[nodiscard]] Result<void> quarantine(const std::vector<QueueId>& suspects);
  /// Chunks whose message was never stored. Fault: spool_failed.
  [[nodiscard]] Result<void> drop_orphans();
  /// From the keys of the due index and the marks. Fault: spool_failed.
  [[nodiscard]] Result<void> count();

 private:
  [[nodiscard]] Result<std::vector<QueueId>> marked(Mark mark) const;
  [[nodiscard]] Result<void> drop_chunks_of(QueueId id, rocksdb::WriteBatch& batch) const;
  [[nodiscard]] Result<void> write(rocksdb::WriteBatch& batch);

  Database& database_;
  Counters& counters_;
};

}  // namespace signet::spool
