#include "relay/spool/rocks_spool.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "relay/spool/layout.hpp"
#include "relay/spool/opening.hpp"
#include "relay/spool/record_format.hpp"
#include "relay/spool/recovery.hpp"
#include "relay/spool/state_row.hpp"

namespace signet::spool {
namespace {

StateHead head_of(const State& state) {
  StateHead head;
  head.due = state.due;
  head.held_since = state.held_since;
  head.held = state.is_held();
  return head;
}

// What opening may have to write: the content of the log as tables, and new files to go on with.
constexpr std::uint64_t kRoomToOpen = std::uint64_t{4} << 20U;

std::uint64_t log_octets(const std::filesystem::path& database) {
  std::uint64_t octets = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator file(database, error), end; !error && file != end;
       file.increment(error)) {
    std::error_code gone;
    const std::uintmax_t size = file->path().extension() == ".log" ? file->file_size(gone) : 0;
    if (!gone) octets += size;
  }
  return octets;
}

Failure opening_failed(const std::filesystem::path& directory, const Error& error) {
  if (error.fault != Fault::disk_short) return fail(error.fault, error.detail);
  return fail(Fault::disk_short, "the disk of the spool " + directory.string() +
                                     " is full, make room and start again: " + error.detail);
}

Result<Message> decode_message(QueueId id, std::string_view record, std::string_view state) {
  Result<Record> decoded_record = decode_record(id, record);
  if (!decoded_record) return decoded_record.failure();
  Result<State> decoded_state = decode_state_row(state);
  if (!decoded_state) return decoded_state.failure();
  return Message{std::move(*decoded_record), std::move(*decoded_state)};
}

}  // namespace

Result<std::unique_ptr<RocksSpool>> RocksSpool::open(Options options, const Clock& clock,
                                                     Database::FileSystem file_system) {
  Result<SpoolDirectory> directory =
      SpoolDirectory::claim(options.directory, SpoolDirectory::Missing::create);
  if (!directory) return opening_failed(options.directory, directory.error());
  std::unique_ptr<RocksSpool> spool(
      new RocksSpool(std::move(*directory), options, clock, std::move(file_system)));
  const Result<void> opened = spool->open_all(options);
  if (!opened) return opening_failed(options.directory, opened.error());
  return spool;
}

RocksSpool::RocksSpool(SpoolDirectory directory, const Options& options, const Clock& clock,
                       Database::FileSystem file_system)
    : directory_(std::move(directory)),
      file_system_(std::move(file_system)),
      free_space_(options.directory, options.min_free_bytes, options.min_free_share, clock) {}

Database::OnTrouble RocksSpool::on_trouble() {
  return [this](const std::string& reason, Database::Trouble trouble) { note(reason, trouble); };
}

// RocksDB ends the process where it finds no room while it opens.
Result<void> RocksSpool::check_room() const {
  const std::uint64_t free = free_space_.free_now();
  const std::uint64_t needed = log_octets(directory_.database()) + kRoomToOpen;
  if (free >= needed) return {};
  return fail(Fault::disk_short,
              fmt::format("{} octets are free, {} are needed to open it", free, needed));
}

Result<void> RocksSpool::open_all(Options& options) {
  if (const Result<void> room = check_room(); !room) return room.failure();
  Result<Opened> opened =
      open_database(directory_, options.accept_loss, file_system_, on_trouble());
  if (!opened) return opened.failure();
  database_ = std::move(opened->database);
  mark_ = std::move(opened->mark);
  const Result<void> recovered = recover(opened->after_loss);
  if (!recovered) return recovered.failure();
  database_->on_stall([this] { ++counters_.stalls; });
  upkeep_ = std::make_unique<Upkeep>(*database_, counters_, health_, directory_.database(),
                                     [this] { reopen(); });
  committer_ = std::make_unique<Committer>(
      Committer::Neighbours{*database_, directory_, *mark_, counters_, floor_, health_, gate_},
      std::move(options.on_commit));
  upkeep_->start();
  return {};
}

void RocksSpool::note(const std::string& reason, Database::Trouble trouble) {
  switch (trouble) {
    case Database::Trouble::passing:
      return health_.note_trouble();
    case Database::Trouble::disk_full:
      return health_.suspend();
    case Database::Trouble::out_of_room:
      return health_.run_out_of_room(reason);
    case Database::Trouble::lasting:
      return health_.break_down(reason);
  }
}

Result<void> RocksSpool::recover(bool after_loss) {
  Recovery recovery(*database_, counters_);
  if (after_loss) {
    const Result<void> dropped = recovery.drop_incomplete();
    if (!dropped) return dropped.failure();
  }
  const Result<void> settled = recovery.settle_attempts();
  if (!settled) return settled.failure();
  const Result<void> set_apart = set_suspects_apart(recovery);
  if (!set_apart) return set_apart.failure();
  const Result<void> dropped = recovery.drop_orphans();
  if (!dropped) return dropped.failure();
  return recovery.count();
}

Result<void> RocksSpool::set_suspects_apart(Recovery& recovery) {
  const Result<void> quarantined = recovery.quarantine(directory_.suspects());
  if (!quarantined) return quarantined.failure();
  directory_.forget_suspects();
  return {};
}

void RocksSpool::reopen() {
  if (!check_room()) return;
  const std::unique_lock alone(gate_);
  database_->close();
  const Result<void> opened = open_anew();
  if (opened) return health_.reopened();
  if (opened.error().fault != Fault::disk_short) health_.break_down(opened.error().detail);
}

// Attempts and chunks without a message are those of this process: they go on.
Result<void> RocksSpool::open_anew() {
  Result<Opened> opened = open_database(directory_, false, file_system_, on_trouble());
  if (!opened) return opened.failure();
  *mark_ = std::move(opened->mark);
  database_->adopt(*opened->database);
  database_->on_stall([this] { ++counters_.stalls; });
  Recovery recovery(*database_, counters_);
  const Result<void> set_apart = set_suspects_apart(recovery);
  if (!set_apart) return set_apart.failure();
  return recovery.count();
}

Result<void> RocksSpool::check_open() const {
  if (database_->is_open()) return {};
  return fail(Fault::spool_failed, "the spool waits for room on its disk");
}

void RocksSpool::put_chunk(QueueId id, std::uint32_t index, std::string bytes, Executor& on,
                           Done<void> done) {
  committer_->submit({id, PutChunk{index, std::move(bytes)}, &on, std::move(done)});
}

void RocksSpool::drop_chunks(QueueId id, std::uint32_t count) {
  committer_->submit({id, DropChunks{count}, nullptr, {}});
}

void RocksSpool::store(std::shared_ptr<const Message> message,
                       std::shared_ptr<const std::string> body, Executor& on, Done<void> done) {
  if (free_space_.is_short()) {
    return on.post([done = std::move(done)]() mutable { done(fail(Fault::disk_short)); });
  }
  StateHead head = head_of(message->state);
  head.body_chunks = message->record.body_chunks;
  head.body_size = message->record.body_size;
  committer_->submit({message->record.id,
                      StoreMessage{encode_record(message->record), encode_state(message->state),
                                   head, std::move(body)},
                      &on, std::move(done)});
}

void RocksSpool::record_attempt(QueueId id, std::vector<std::uint32_t> indexes, Executor& on,
                                Done<void> done) {
  committer_->submit({id, RecordAttempt{encode_attempt(indexes)}, &on, std::move(done)});
}

// The row itself says when it was due: a caller with an old view can't leave a stray entry behind.
void RocksSpool::update(QueueId id, State state, WallTime /*previous_due*/, Attempts attempts,
                        Executor& on, Done<void> done) {
  committer_->submit(
      {id, UpdateState{encode_state(state), head_of(state), !is_unsettled(state), attempts}, &on,
       std::move(done)});
}

void RocksSpool::remove(QueueId id, WallTime /*previous_due*/, std::uint32_t /*body_chunks*/,
                        Executor& on, Done<void> done) {
  committer_->submit({id, RemoveMessage{}, &on, std::move(done)});
}

Result<Message> RocksSpool::load(QueueId id) const {
  const std::shared_lock reading(gate_);
  if (const Result<void> open = check_open(); !open) return open.failure();
  const std::string key = id_key(id);
  const Result<std::string> record = database_->get(Column::record, key);
  if (!record) return record.failure();
  const Result<std::string> state = database_->get(Column::state, key);
  if (!state) return state.failure();
  return decode_message(id, *record, *state);
}

Result<std::string> RocksSpool::load_body(QueueId id) const {
  const std::shared_lock reading(gate_);
  if (const Result<void> open = check_open(); !open) return open.failure();
  return database_->get(Column::body, id_key(id));
}

Result<std::string> RocksSpool::load_chunk(QueueId id, std::uint32_t index) const {
  const std::shared_lock reading(gate_);
  if (const Result<void> open = check_open(); !open) return open.failure();
  return database_->get(Column::body, chunk_key(id, index));
}

Result<std::vector<Entry>> RocksSpool::due(Entry after, WallTime until, std::size_t limit) const {
  const std::shared_lock reading(gate_);
  if (const Result<void> open = check_open(); !open) return open.failure();
  const Entry floor = floor_.begin_scan();
  const bool from_floor = is_before(after, floor);
  const std::string first = due_key(from_floor ? floor : Entry{after.due, {after.id.value + 1}});
  const Entry beyond{until + std::chrono::milliseconds(1), {}};
  const std::string last = due_key(beyond);
  const rocksdb::Slice lower(first);
  const rocksdb::Slice upper(last);
  std::vector<Entry> entries;
  const auto rows = database_->iterate(Column::due, &lower, &upper);
  for (; rows->Valid() && entries.size() < limit; rows->Next()) {
    if (const auto entry = parse_due(rows->key().ToStringView())) entries.push_back(*entry);
  }
  if (!rows->status().ok()) {
    floor_.end_scan();
    return fail(Fault::spool_failed, rows->status().ToString());
  }
  if (from_floor && limit > 0) {
    floor_.end_scan(entries.empty() ? beyond : entries.front());
  } else {
    floor_.end_scan();
  }
  return entries;
}

Result<std::vector<Message>> RocksSpool::list(QueueId after, std::size_t limit) const {
  const std::shared_lock reading(gate_);
  if (const Result<void> open = check_open(); !open) return open.failure();
  std::vector<Message> messages;
  const std::string first = id_key(QueueId{after.value + 1});
  const rocksdb::Slice lower(first);
  const auto rows = database_->iterate(Column::record, &lower, nullptr);
  for (; rows->Valid() && messages.size() < limit; rows->Next()) {
    const std::optional<QueueId> id = parse_id(rows->key().ToStringView());
    const Result<std::string> state = database_->get(Column::state, rows->key().ToString());
    if (!id || !state) continue;  // Removed since the scan began.
    Result<Message> message = decode_message(*id, rows->value().ToStringView(), *state);
    if (!message) {
      spdlog::error("queued message {} can't be read: {}", id->to_string(), message.error().detail);
      continue;
    }
    messages.push_back(std::move(*message));
  }
  if (!rows->status().ok()) return fail(Fault::spool_failed, rows->status().ToString());
  return messages;
}

Stats RocksSpool::stats() const {
  Stats stats = counters_.snapshot();
  stats.disk_free = free_space_.room().free;
  stats.disk_size = free_space_.room().all;
  return stats;
}

QueueId RocksSpool::last_id() const { return QueueId{counters_.last_id}; }
std::optional<std::string> RocksSpool::broken() const { return health_.reason(); }
bool RocksSpool::is_disk_short() const { return health_.is_suspended() || free_space_.is_short(); }
bool RocksSpool::is_suspended() const { return health_.is_suspended(); }
void RocksSpool::run_upkeep() { upkeep_->run_once(); }

}  // namespace signet::spool
