#include "relay/spool/upkeep.hpp"

#include <rocksdb/options.h>

#include <algorithm>

#include "relay/spool/layout.hpp"
#include "relay/spool/record_format.hpp"

namespace signet::spool {
namespace {

constexpr std::chrono::seconds kRound{1};
constexpr std::uint64_t kDisorder = 3'600'000'000;              // An id counts microseconds.
constexpr std::uint64_t kTolerated = std::uint64_t{64} << 20U;  // Octets not worth a compaction.

}  // namespace

Upkeep::Upkeep(Database& database, Counters& counters, Health& health,
               std::filesystem::path directory, Reopen reopen)
    : database_(database),
      counters_(counters),
      health_(health),
      directory_(std::move(directory)),
      reopen_(std::move(reopen)) {
  run_once();
}

Upkeep::~Upkeep() {
  ending_ = true;
  {
    const std::lock_guard lock(mutex_);
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Upkeep::start() {
  thread_ = std::thread([this] { run(); });
}

void Upkeep::run() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kRound, [this] { return ending_.load(); })) {
    lock.unlock();
    run_once();
    lock.lock();
  }
}

void Upkeep::run_once() {
  const std::lock_guard lock(round_);
  retry_after_trouble();
  if (!database_.is_open()) return;
  collect_dead_bodies();
  look_at_oldest();
  measure_disk();
  measure_compaction();
}

void Upkeep::look_at_oldest() {
  // Ids are handed out in order, but a slow client's message may be stored after younger ones.
  const std::string from = id_key(QueueId{oldest_.value - std::min(oldest_.value, kDisorder)});
  const rocksdb::Slice lower(from);
  const auto rows = database_.iterate(Column::record, &lower, nullptr);
  if (!rows->Valid()) {
    counters_.oldest = Counters::kNone;
  } else if (const auto id = parse_id(rows->key().ToStringView());
             id && (*id != oldest_ || counters_.oldest == Counters::kNone)) {
    const Result<Record> record = decode_record(*id, rows->value().ToStringView());
    if (record) counters_.oldest = record->received.time_since_epoch().count();
    oldest_ = *id;
  }
  const std::string held(1, static_cast<char>(Mark::held));
  const std::string after(1, static_cast<char>(static_cast<char>(Mark::held) + 1));
  const rocksdb::Slice first_held(held);
  const rocksdb::Slice after_held(after);
  const auto marks = database_.iterate(Column::mark, &first_held, &after_held);
  const auto entry =
      marks->Valid() ? parse_due(marks->key().ToStringView().substr(1)) : std::nullopt;
  counters_.oldest_held = entry ? entry->due.time_since_epoch().count() : Counters::kNone;
}

void Upkeep::measure_disk() {
  std::uint64_t bytes = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator file(directory_, error), end; !error && file != end;
       file.increment(error)) {
    std::error_code gone;
    const std::uintmax_t size = file->file_size(gone);
    if (!gone) bytes += size;
  }
  counters_.disk_bytes = bytes;
}

void Upkeep::measure_compaction() {
  using Properties = rocksdb::DB::Properties;
  std::uint64_t pending = 0;
  for (std::size_t i = 0; i < kColumnNames.size(); ++i) {
    pending +=
        database_.property(static_cast<Column>(i), Properties::kEstimatePendingCompactionBytes);
  }
  const auto of_all = [this](const std::string& name) {
    return database_.property(Column::record, name);
  };
  counters_.compaction_pending_bytes = pending;
  counters_.compactions = of_all(Properties::kNumRunningCompactions);
  counters_.flushes = of_all(Properties::kNumRunningFlushes);
  counters_.write_delayed = of_all(Properties::kActualDelayedWriteRate) > 0;
  counters_.write_stopped = of_all(Properties::kIsWriteStopped) > 0;
}

void Upkeep::retry_after_trouble() {
  if (health_.is_broken()) return;
  if (health_.needs_reopening()) return reopen_();
  if (!health_.take_trouble()) return;
  // Busy while RocksDB itself waits for room.
  if (database_.db().Resume().ok()) return health_.resume();
  health_.note_trouble();
}

void Upkeep::collect_dead_bodies() {
  const std::uint64_t on_disk = blob_bytes(false);
  if (on_disk < kTolerated || counters_.removed_bytes < std::max(kTolerated, on_disk / 2)) return;
  counters_.removed_bytes = 0;
  rocksdb::FlushOptions flush;
  const rocksdb::Status flushed =
      database_.db().Flush(flush, {database_.column(Column::record),
                                   database_.column(Column::state), database_.column(Column::body),
                                   database_.column(Column::due), database_.column(Column::mark)});
  if (!flushed.ok()) return;
  for (Column column : {Column::body, Column::record, Column::state, Column::due, Column::mark}) {
    compact(column, false);
  }
  if (blob_bytes(true) < std::max(kTolerated, blob_bytes(false) / 2)) return;
  for (Column column : {Column::body, Column::record}) compact(column, true);
}

void Upkeep::compact(Column column, bool move_live_blobs) {
  rocksdb::CompactRangeOptions options;
  options.canceled = &ending_;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  options.blob_garbage_collection_policy = move_live_blobs
                                               ? rocksdb::BlobGarbageCollectionPolicy::kForce
                                               : rocksdb::BlobGarbageCollectionPolicy::kDisable;
  options.blob_garbage_collection_age_cutoff = 1.0;
  database_.db()
      .CompactRange(options, database_.column(column), nullptr, nullptr)
      .PermitUncheckedError();
}

std::uint64_t Upkeep::blob_bytes(bool only_dead) const {
  const std::string& name = only_dead ? rocksdb::DB::Properties::kLiveBlobFileGarbageSize
                                      : rocksdb::DB::Properties::kLiveBlobFileSize;
  return database_.property(Column::body, name) + database_.property(Column::record, name);
}

}  // namespace signet::spool
