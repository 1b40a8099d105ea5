#include "relay/spool/group.hpp"

#include <algorithm>

#include "relay/spool/layout.hpp"

namespace signet::spool {

void Group::Change::apply(Counters& counters) const {
  // Unsigned arithmetic wraps: adding a negative change subtracts.
  counters.messages += static_cast<std::uint64_t>(messages);
  counters.held += static_cast<std::uint64_t>(held);
  counters.quarantined += static_cast<std::uint64_t>(quarantined);
  counters.removed_bytes += removed_bytes;
}

void Group::apply_relaxed(Counters& counters) const { relaxed_change_.apply(counters); }

void Group::apply_durable(Counters& counters) const {
  durable_change_.apply(counters);
  for (QueueId id : stored_) {
    if (id.value > counters.last_id) counters.last_id = id.value;  // One writer: no race.
  }
}

void Group::apply_heads(KnownHeads& known) const {
  for (const auto& [id, head] : touched_) known.set(id, head);
}

Result<void> Group::add(const Request& request) {
  return std::visit([&](const auto& what) { return add(request.id, what); }, request.what);
}

Result<void> Group::add(QueueId id, const PutChunk& chunk) {
  if (chunk.index == 0) relaxed_.Put(column(Column::mark), mark_key(Mark::pending, id), "");
  relaxed_.Put(column(Column::body), chunk_key(id, chunk.index), chunk.bytes);
  return {};
}

Result<void> Group::add(QueueId id, const DropChunks& drop) {
  for (std::uint32_t index = 0; index < drop.count; ++index) {
    relaxed_.SingleDelete(column(Column::body), chunk_key(id, index));
  }
  relaxed_.Delete(column(Column::mark), mark_key(Mark::pending, id));
  relaxed_change_.removed_bytes += std::uint64_t{drop.count} * kChunk;
  return {};
}

Result<void> Group::add(QueueId id, const StoreMessage& store) {
  durable_.Put(column(Column::record), id_key(id), store.record);
  put_state(id, store.head, store.state, durable_);
  if (store.head.body_chunks == 0) {
    durable_.Put(column(Column::body), id_key(id), store.body ? *store.body : std::string());
  } else {
    durable_.Delete(column(Column::mark), mark_key(Mark::pending, id));
  }
  enter_indexes(id, store.head, durable_, durable_change_);
  ++durable_change_.messages;
  stored_.push_back(id);
  touched_[id] = store.head;
  return {};
}

Result<void> Group::add(QueueId id, const RecordAttempt& attempt) {
  const Result<StateHead> head = head_of(id);
  if (!head) return head.failure();
  relaxed_.Put(column(Column::mark), mark_key(Mark::attempt, id), attempt.attempt);
  return {};
}

Result<void> Group::add(QueueId id, const UpdateState& update) {
  const Result<StateHead> before = head_of(id);
  if (!before) return before.failure();
  if (update.settled) {
    delete_message(id, *before);
    return {};
  }
  StateHead head = update.head;
  head.body_chunks = before->body_chunks;
  head.body_size = before->body_size;
  leave_indexes(id, *before);
  if (update.attempts == Attempts::over)
    relaxed_.Delete(column(Column::mark), mark_key(Mark::attempt, id));
  put_state(id, head, update.state, relaxed_);
  enter_indexes(id, head, relaxed_, relaxed_change_);
  touched_[id] = head;
  return {};
}

Result<void> Group::add(QueueId id, const RemoveMessage&) {
  const Result<StateHead> head = head_of(id);
  if (!head && head.error().fault == Fault::not_found) return {};
  if (!head) return head.failure();
  delete_message(id, *head);
  return {};
}

Result<StateHead> Group::head_of(QueueId id) {
  const auto known = touched_.find(id);
  if (known != touched_.end()) {
    if (!known->second) return fail(Fault::not_found, id.to_string() + " is not in the spool");
    return *known->second;
  }
  if (const StateHead* head = known_.find(id)) return *head;
  const Result<std::string> row = database_.get(Column::state, id_key(id));
  if (!row) return row.failure();
  return decode_head(*row);
}

void Group::leave_indexes(QueueId id, const StateHead& head) {
  if (head.quarantined) {
    relaxed_.Delete(column(Column::mark), mark_key(Mark::quarantined, id));
    --relaxed_change_.quarantined;
    return;
  }
  relaxed_.SingleDelete(column(Column::due), due_key({head.due, id}));
  if (!head.held) return;
  relaxed_.Delete(column(Column::mark), held_key({head.held_since, id}));
  --relaxed_change_.held;
}

void Group::enter_indexes(QueueId id, const StateHead& head, rocksdb::WriteBatch& batch,
                          Change& change) {
  const Entry entry{head.due, id};
  batch.Put(column(Column::due), due_key(entry), "");
  if (is_before(entry, lowest_due_)) lowest_due_ = entry;
  if (!head.held) return;
  batch.Put(column(Column::mark), held_key({head.held_since, id}), "");
  ++change.held;
}

void Group::delete_message(QueueId id, const StateHead& head) {
  leave_indexes(id, head);
  relaxed_.Delete(column(Column::mark), mark_key(Mark::attempt, id));
  relaxed_.SingleDelete(column(Column::record), id_key(id));
  relaxed_.Delete(column(Column::state), id_key(id));
  if (head.body_chunks == 0) relaxed_.SingleDelete(column(Column::body), id_key(id));
  for (std::uint32_t index = 0; index < head.body_chunks; ++index) {
    relaxed_.SingleDelete(column(Column::body), chunk_key(id, index));
  }
  --relaxed_change_.messages;
  relaxed_change_.removed_bytes += head.body_size;
  touched_[id] = std::nullopt;
}

void Group::put_state(QueueId id, const StateHead& head, const std::string& state,
                      rocksdb::WriteBatch& batch) {
  const std::string key = id_key(id);
  const std::string encoded = encode_head(head);
  const rocksdb::Slice key_slice(key);
  const std::array<rocksdb::Slice, 2> value{rocksdb::Slice(encoded), rocksdb::Slice(state)};
  batch.Put(column(Column::state), rocksdb::SliceParts(&key_slice, 1),
            rocksdb::SliceParts(value.data(), static_cast<int>(value.size())));
}

}  // namespace signet::spool
