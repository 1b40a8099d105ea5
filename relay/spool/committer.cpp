#include "relay/spool/committer.hpp"

#include <algorithm>
#include <utility>

namespace signet::spool {

using std::chrono::steady_clock;

Committer::Committer(Neighbours neighbours, OnCommit on_commit)
    : near_(neighbours),
      syncer_({near_.database, near_.directory, near_.mark, near_.counters, near_.health},
              std::move(on_commit)),
      thread_([this] { run(); }) {}

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
  bool full = false;
  {
    const std::lock_guard lock(mutex_);
    const bool is_message = request.needs_sync() || std::holds_alternative<PutChunk>(request.what);
    full = is_message && waiting_bytes_ + bytes > kMaxWaitingBytes;
    if (!full) {
      const bool is_first_to_wait = !somebody_waits_ && request.is_waited_for();
      wake = waiting_.empty() || is_first_to_wait;
      somebody_waits_ = somebody_waits_ || is_first_to_wait;
      waiting_bytes_ += bytes;
      waiting_.push_back(std::move(request));
    }
  }
  if (wake) wake_.notify_one();
  if (!full) return;
  Completions answer;
  answer.add(request.on, std::move(request.done),
             fail(Fault::memory_short, "too much waits for the spool"));
  answer.post();
}

void Committer::run() {
  std::vector<Request> taken;
  while (take(taken)) {
    commit(taken);
    taken.clear();
  }
}

bool Committer::take(std::vector<Request>& taken) {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
  if (waiting_.empty()) return false;
  wake_.wait_for(lock, kGather,
                 [this] { return ending_ || (somebody_waits_ && !syncer_.is_syncing()); });
  std::size_t bytes = 0;
  std::size_t count = 0;
  while (count < waiting_.size() && count < kMaxGroupRequests && bytes < kMaxGroupBytes) {
    bytes += waiting_[count++].bytes();
  }
  waiting_bytes_ -= bytes;
  if (count == waiting_.size()) {
    somebody_waits_ = false;
    taken.swap(waiting_);
    return true;
  }
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
  taken.assign(std::move_iterator(waiting_.begin()), std::move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  return true;
}

void Committer::commit(std::vector<Request>& requests) {
  const Syncer::Instant began = steady_clock::now();
  if (near_.health.is_broken()) return refuse(requests);
  Group group(near_.database, known_);
  for (Request& request : requests) {
    const Result<void> added = group.add(request);
    if (added) continue;
    completions_.add(request.on, std::exchange(request.done, nullptr), added.failure());
  }
  near_.floor.writing(group.lowest_due());
  const bool written = write(group);
  near_.floor.written();
  if (!written) return refuse(requests);
  group.apply_heads(known_);
  hand_on(requests, group, began);
}

bool Committer::write(Group& group) {
  if (group.batch().Count() == 0) return true;
  const rocksdb::Status written =
      near_.database.db().Write(rocksdb::WriteOptions(), &group.batch());
  if (!written.ok()) {
    near_.directory.keep_suspects(group.stored());
    near_.health.break_down(written.ToString());
    return false;
  }
  group.relaxed_change().apply(near_.counters);
  ++near_.counters.commits;
  return true;
}

void Committer::hand_on(std::vector<Request>& requests, Group& group, Syncer::Instant began) {
  Syncer::Written written{{}, group.durable_change(), began};
  written.messages.reserve(group.stored().size());
  for (Request& request : requests) {
    auto done = std::exchange(request.done, nullptr);
    if (request.needs_sync()) {
      written.messages.push_back({request.id, request.on, std::move(done)});
    } else {
      completions_.add(request.on, std::move(done), {});
    }
  }
  if (group.batch().Count() > 0) syncer_.take(std::move(written));
  completions_.post();
}

void Committer::refuse(std::vector<Request>& requests) {
  const std::string reason = near_.health.reason().value_or("");
  for (Request& request : requests) {
    completions_.add(request.on, std::exchange(request.done, nullptr),
                     fail(Fault::spool_failed, reason));
  }
  completions_.post();
}

}  // namespace signet::spool
