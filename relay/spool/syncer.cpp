#include "relay/spool/syncer.hpp"

#include <algorithm>
#include <utility>

namespace signet::spool {

using std::chrono::steady_clock;

Syncer::Syncer(Neighbours neighbours, OnCommit on_commit)
    : near_(neighbours), on_commit_(std::move(on_commit)), thread_([this] { run(); }) {}

Syncer::~Syncer() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Syncer::take(Written group) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (!unsynced_since_) unsynced_since_ = group.began;
    const bool sleeps_too_long = !wakes_by_ || *wakes_by_ > *unsynced_since_ + kSyncDelay;
    wake = sleeps_too_long || (!messages_wait_ && !group.messages.empty());
    if (!group.messages.empty()) {
      messages_wait_ = true;
      waiting_.push_back(std::move(group));
    }
  }
  if (wake) wake_.notify_one();
}

void Syncer::run() {
  for (;;) {
    const bool due = wait();
    if (due) sync();
    is_syncing_ = false;
    bool is_last = false;
    {
      const std::lock_guard lock(mutex_);
      is_last = ending_ && !unsynced_since_;
    }
    sync_mark_if_late(is_last ? Instant::max() : steady_clock::now());
    if (is_last) return;
  }
}

bool Syncer::wait() {
  std::unique_lock lock(mutex_);
  const auto has_work = [this] { return ending_ || messages_wait_; };
  // More is likely to come soon: then nobody needs to wake us only to set the time of its sync.
  const Instant soon = steady_clock::now() + kSyncDelay;
  for (Instant now = steady_clock::now(); !has_work(); now = steady_clock::now()) {
    const std::optional<Instant> deadline = next_deadline();
    if (deadline && now >= *deadline) break;
    wakes_by_ = deadline;
    if (now < soon) wakes_by_ = deadline ? std::min(*deadline, soon) : soon;
    if (wakes_by_) {
      wake_.wait_until(lock, *wakes_by_);
    } else {
      wake_.wait(lock);
    }
  }
  if (!unsynced_since_) return false;
  if (!has_work() && steady_clock::now() < *unsynced_since_ + kSyncDelay) return false;
  flight_.swap(waiting_);
  messages_wait_ = false;
  unsynced_since_.reset();
  is_syncing_ = true;
  return true;
}

std::optional<Syncer::Instant> Syncer::next_deadline() const {
  std::optional<Instant> next;
  if (unsynced_since_) next = *unsynced_since_ + kSyncDelay;
  if (mark_unsynced_since_) {
    const Instant mark = *mark_unsynced_since_ + kMarkSyncDelay;
    next = next ? std::min(*next, mark) : mark;
  }
  return next;
}

void Syncer::sync() {
  if (near_.health.is_broken()) return refuse();
  const std::uint64_t sequence = near_.database.sequence();
  const rocksdb::Status synced = near_.database.db().SyncWAL();
  if (!synced.ok()) {
    near_.health.break_down(synced.ToString());
    return refuse();
  }
  ++near_.counters.syncs;
  set_mark(sequence);
  if (near_.health.is_broken()) return refuse();
  std::size_t messages = 0;
  for (Written& group : flight_) {
    group.change.apply(near_.counters);
    messages += group.messages.size();
    for (Message& message : group.messages) {
      near_.counters.raise_last_id(message.id);
      completions_.add(message.on, std::move(message.done), {});
    }
  }
  completions_.post();
  if (on_commit_ && messages > 0) {
    const auto took = steady_clock::now() - flight_.front().began;
    on_commit_(messages, std::chrono::duration_cast<std::chrono::microseconds>(took));
  }
  flight_.clear();
}

void Syncer::refuse() {
  std::vector<QueueId> ids;
  for (const Written& group : flight_) {
    for (const Message& message : group.messages) ids.push_back(message.id);
  }
  if (!ids.empty()) near_.directory.keep_suspects(ids);
  const std::string reason = near_.health.reason().value_or("");
  for (Written& group : flight_) {
    for (Message& message : group.messages)
      completions_.add(message.on, std::move(message.done), fail(Fault::spool_failed, reason));
  }
  completions_.post();
  flight_.clear();
}

void Syncer::set_mark(std::uint64_t sequence) {
  const Result<void> marked = near_.mark.set(sequence);
  if (!marked) return near_.health.break_down(marked.error().detail);
  if (!mark_unsynced_since_) mark_unsynced_since_ = steady_clock::now();
}

void Syncer::sync_mark_if_late(Instant now) {
  if (!mark_unsynced_since_ || now - *mark_unsynced_since_ < kMarkSyncDelay) return;
  mark_unsynced_since_.reset();
  if (near_.health.is_broken()) return;
  const Result<void> status = near_.mark.sync();
  if (!status) near_.health.break_down(status.error().detail);
}

}  // namespace signet::spool
