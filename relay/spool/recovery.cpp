#include "relay/spool/recovery.hpp"

#include <rocksdb/write_batch.h>

#include <algorithm>

#include "relay/spool/layout.hpp"
#include "relay/spool/state_row.hpp"

namespace signet::spool {
namespace {

constexpr std::size_t kWriteEvery = std::size_t{1} << 20U;  // Octets of a batch.

std::string mark_prefix(Mark mark) { return {static_cast<char>(mark)}; }
std::string after_prefix(Mark mark) { return {static_cast<char>(static_cast<char>(mark) + 1)}; }

Result<void> ended_well(const rocksdb::Iterator& rows) {
  if (!rows.status().ok()) return fail(Fault::spool_failed, rows.status().ToString());
  return {};
}

}  // namespace

Result<void> Recovery::drop_incomplete() {
  rocksdb::WriteBatch batch;
  const auto rows = database_.iterate(Column::due, nullptr, nullptr);
  for (; rows->Valid(); rows->Next()) {
    const std::optional<Entry> entry = parse_due(rows->key().ToStringView());
    if (!entry) continue;
    const std::string key = id_key(entry->id);
    const Result<std::string> state = database_.get(Column::state, key);
    const Result<StateHead> head = state ? decode_head(*state) : Result<StateHead>(state.failure());
    if (head && to_octet_time(head->due) == to_octet_time(entry->due) &&
        database_.get(Column::record, key)) {
      continue;
    }
    batch.SingleDelete(database_.column(Column::due), rows->key());
  }
  const Result<void> ended = ended_well(*rows);
  if (!ended) return ended.failure();
  return write(batch);
}

Result<void> Recovery::settle_attempts() {
  const Result<std::vector<QueueId>> attempts = marked(Mark::attempt);
  if (!attempts) return attempts.failure();
  rocksdb::WriteBatch batch;
  for (QueueId id : *attempts) {
    batch.Delete(database_.column(Column::mark), mark_key(Mark::attempt, id));
    const Result<std::string> row = database_.get(Column::state, id_key(id));
    if (!row) continue;
    Result<State> state = decode_state_row(*row);
    if (!state) continue;
    ++state->maybe_duplicates;
    ++counters_.maybe;
    batch.Put(database_.column(Column::state), id_key(id),
              row->substr(0, kStateHeadSize) + encode_state(*state));
  }
  return write(batch);
}

Result<void> Recovery::quarantine(const std::vector<QueueId>& suspects) {
  rocksdb::WriteBatch batch;
  for (QueueId id : suspects) {
    const Result<std::string> row = database_.get(Column::state, id_key(id));
    if (!row) continue;
    Result<StateHead> head = decode_head(*row);
    Result<State> state = decode_state_row(*row);
    if (!head || !state || head->quarantined) continue;
    batch.SingleDelete(database_.column(Column::due), due_key({head->due, id}));
    if (head->held) {
      batch.Delete(database_.column(Column::mark), held_key({head->held_since, id}));
    }
    head->held = false;
    head->quarantined = true;
    state->hold_reason = "quarantine: its commit failed, and the client was not told 250";
    batch.Put(database_.column(Column::state), id_key(id),
              encode_head(*head) + encode_state(*state));
    batch.Put(database_.column(Column::mark), mark_key(Mark::quarantined, id), "");
  }
  return write(batch);
}

Result<void> Recovery::drop_orphans() {
  const Result<std::vector<QueueId>> pending = marked(Mark::pending);
  if (!pending) return pending.failure();
  rocksdb::WriteBatch batch;
  for (QueueId id : *pending) {
    const Result<void> dropped = drop_chunks_of(id, batch);
    if (!dropped) return dropped.failure();
    batch.Delete(database_.column(Column::mark), mark_key(Mark::pending, id));
    if (batch.GetDataSize() < kWriteEvery) continue;
    const Result<void> written = write(batch);
    if (!written) return written.failure();
    batch.Clear();
  }
  return write(batch);
}

Result<void> Recovery::drop_chunks_of(QueueId id, rocksdb::WriteBatch& batch) const {
  const std::string first = id_key(id);
  const std::string last = id_key(QueueId{id.value + 1});
  const rocksdb::Slice lower(first);
  const rocksdb::Slice upper(last);
  const auto rows = database_.iterate(Column::body, &lower, &upper);
  for (; rows->Valid(); rows->Next()) {
    batch.SingleDelete(database_.column(Column::body), rows->key());
  }
  return ended_well(*rows);
}

Result<void> Recovery::count() {
  std::uint64_t due = 0;
  const auto rows = database_.iterate(Column::due, nullptr, nullptr);
  for (; rows->Valid(); rows->Next()) ++due;
  const Result<void> ended = ended_well(*rows);
  if (!ended) return ended.failure();
  const Result<std::vector<QueueId>> aside = marked(Mark::quarantined);
  if (!aside) return aside.failure();
  const Result<std::vector<QueueId>> held = marked(Mark::held);
  if (!held) return held.failure();
  counters_.messages = due + aside->size();
  counters_.quarantined = aside->size();
  counters_.held = held->size();
  const auto records = database_.iterate(Column::record, nullptr, nullptr);
  records->SeekToLast();
  if (records->Valid()) {
    const QueueId last = parse_id(records->key().ToStringView()).value_or(QueueId{});
    counters_.last_id = std::max(counters_.last_id.load(), last.value);
  }
  return ended_well(*records);
}

Result<std::vector<QueueId>> Recovery::marked(Mark mark) const {
  const std::string first = mark_prefix(mark);
  const std::string last = after_prefix(mark);
  const rocksdb::Slice lower(first);
  const rocksdb::Slice upper(last);
  std::vector<QueueId> ids;
  const auto rows = database_.iterate(Column::mark, &lower, &upper);
  for (; rows->Valid(); rows->Next()) {
    std::string_view key = rows->key().ToStringView();
    key.remove_prefix(std::max<std::size_t>(key.size(), 8) - 8);  // The id is at the end.
    if (const auto id = parse_id(key)) ids.push_back(*id);
  }
  const Result<void> ended = ended_well(*rows);
  if (!ended) return ended.failure();
  return ids;
}

Result<void> Recovery::write(rocksdb::WriteBatch& batch) {
  if (batch.Count() == 0) return {};
  const rocksdb::Status status = database_.write(batch, true);
  if (status.IsNoSpace()) return fail(Fault::disk_short, status.ToString());
  if (!status.ok()) return fail(Fault::spool_failed, status.ToString());
  return {};
}

}  // namespace signet::spool
