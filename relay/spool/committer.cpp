#include "relay/spool/committer.hpp"

#include <algorithm>
#include <utility>

namespace signet::spool {
namespace {

using std::chrono::steady_clock;

}  // namespace

Committer::Committer(Neighbours neighbours, OnCommit on_commit)
    : near_(neighbours), on_commit_(std::move(on_commit)), thread_([this] { run(); }) {}

Committer::~Committer() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Committer::submit(Request request) {
  const std::size_t bytes = request.bytes();
  bool wake = false;
  std::optional<Request> refused;
  {
    const std::lock_guard lock(mutex_);
    const bool is_message = request.needs_sync() || std::holds_alternative<PutChunk>(request.what);
    if (is_message && waiting_bytes_ + bytes > kMaxWaitingBytes) {
      refused = std::move(request);
    } else {
      wake = waiting_.empty() && !gathering_;
      waiting_bytes_ += bytes;
      waiting_.push_back(std::move(request));
    }
  }
  if (wake) wake_.notify_one();
  if (!refused) return;
  Completions answer;
  answer.add(refused->on, std::move(refused->done),
             fail(Fault::memory_short, "too much waits for the spool"));
  answer.post();
}

void Committer::run() {
  std::vector<Request> taken;
  while (take(taken)) {
    const std::shared_lock open(near_.gate);
    if (!taken.empty()) commit(taken);
    taken.clear();
    sync_if_late(steady_clock::now());
  }
  // The end: everything is durable, and the mark says exactly how far.
  const std::shared_lock open(near_.gate);
  sync_if_late(Instant::max());
}

bool Committer::take(std::vector<Request>& taken) {
  std::unique_lock lock(mutex_);
  gather(lock);
  const auto has_work = [this] { return ending_ || !waiting_.empty(); };
  if (const std::optional<Instant> deadline = next_deadline()) {
    wake_.wait_until(lock, *deadline, has_work);
  } else {
    wake_.wait(lock, has_work);
  }
  if (waiting_.empty()) return !ending_;
  std::size_t bytes = 0;
  std::size_t count = 0;
  while (count < waiting_.size() && count < kMaxGroupRequests && bytes < kMaxGroupBytes) {
    bytes += waiting_[count++].bytes();
  }
  waiting_bytes_ -= bytes;
  if (count == waiting_.size()) {
    taken.swap(waiting_);
    return true;
  }
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
  taken.assign(std::move_iterator(waiting_.begin()), std::move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  return true;
}

void Committer::gather(std::unique_lock<std::mutex>& lock) {
  if (!has_company_) return;
  gathering_ = true;
  wake_.wait_until(lock, group_began_ + kGather, [this] { return ending_; });
  gathering_ = false;
}

std::optional<Committer::Instant> Committer::next_deadline() const {
  if (near_.health.is_broken() || near_.health.is_suspended()) return std::nullopt;
  std::optional<Instant> next;
  if (unsynced_since_) next = *unsynced_since_ + kSyncDelay;
  if (unmarked_since_) {
    const Instant mark = *unmarked_since_ + kMarkDelay;
    next = next ? std::min(*next, mark) : mark;
  }
  return next;
}

void Committer::commit(std::vector<Request>& requests) {
  group_began_ = steady_clock::now();
  has_company_ = false;
  if (near_.health.is_broken() || near_.health.is_suspended()) return refuse(requests);
  Group group(near_.database, known_);
  for (Request& request : requests) {
    const Result<void> added = group.add(request);
    if (added) continue;
    completions_.add(request.on, std::exchange(request.done, nullptr), added.failure());
  }
  near_.floor.writing(group.lowest_due());
  bool written = write_relaxed(group);
  if (written) {
    answer(requests, false);
    written = write_durable(group);
    if (written) answer(requests, true);
  }
  near_.floor.written();
  if (!written || near_.health.is_broken()) {
    known_ = KnownHeads();  // Some of the group may be in the database, and some not.
    return refuse(requests);
  }
  group.apply_heads(known_);
  completions_.post();
  has_company_ = group.stored().size() > 1;
  if (on_commit_ && !group.stored().empty()) {
    on_commit_(group.stored().size(), std::chrono::duration_cast<std::chrono::microseconds>(
                                          steady_clock::now() - group_began_));
  }
}

bool Committer::write_relaxed(Group& group) {
  if (group.relaxed().Count() == 0) return true;
  const rocksdb::Status written = near_.database.write(group.relaxed(), false);
  if (!written.ok()) {
    note_failure(written);
    return false;
  }
  group.apply_relaxed(near_.counters);
  ++near_.counters.commits;
  if (!unsynced_since_) unsynced_since_ = steady_clock::now();
  return true;
}

bool Committer::write_durable(Group& group) {
  if (group.stored().empty()) return true;
  completions_.post();  // What is answered without a sync does not wait for this one.
  const rocksdb::Status written = near_.database.write(group.durable(), true);
  if (!written.ok()) {
    near_.directory.keep_suspects(group.stored());
    note_failure(written);
    return false;
  }
  group.apply_durable(near_.counters);
  ++near_.counters.commits;
  synced();
  return true;
}

// While a full disk keeps RocksDB from writing its tables it refuses writes without touching the
// log; RocksDB's own word came first then.
void Committer::note_failure(const rocksdb::Status& status) {
  if (status.IsNoSpace() && near_.health.is_suspended()) return;
  if (status.IsNoSpace()) return near_.health.run_out_of_room(status.ToString());
  near_.health.break_down(status.ToString());
}

void Committer::answer(std::vector<Request>& requests, bool synced) {
  for (Request& request : requests) {
    if (request.needs_sync() != synced) continue;
    completions_.add(request.on, std::exchange(request.done, nullptr), {});
  }
}

void Committer::refuse(std::vector<Request>& requests) {
  const std::optional<std::string> broken = near_.health.reason();
  for (Request& request : requests) {
    completions_.add(request.on, std::exchange(request.done, nullptr),
                     broken ? fail(Fault::spool_failed, *broken) : fail(Fault::disk_short));
  }
  completions_.post();
}

void Committer::sync_if_late(Instant now) {
  // A log with a failed write must not be touched again: RocksDB ends the process for it.
  if (near_.health.is_broken() || near_.health.needs_reopening()) return;
  if (unsynced_since_ && now - *unsynced_since_ >= kSyncDelay) {
    const rocksdb::Status status = near_.database.db().SyncWAL();
    if (!status.ok()) return note_failure(status);
    synced();
  }
  if (unmarked_since_ && now - *unmarked_since_ >= kMarkDelay) {
    unmarked_since_.reset();
    Result<void> marked = near_.mark.set(durable_);
    if (marked) marked = near_.mark.sync();
    // An older mark is less than it could be, not wrong: it is written when there is room.
    if (!marked && marked.error().fault == Fault::disk_short) {
      unmarked_since_ = now;
    } else if (!marked) {
      near_.health.break_down(marked.error().detail);
    }
  }
}

void Committer::synced() {
  ++near_.counters.syncs;
  unsynced_since_.reset();
  durable_ = near_.database.sequence();
  if (!unmarked_since_) unmarked_since_ = steady_clock::now();
}

}  // namespace signet::spool
