#include "relay/report/event_buffer.hpp"

#include <utility>

#include "relay/report/delivery_log.hpp"

namespace signet::report {

EventBuffer::Added EventBuffer::add(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  const std::lock_guard lock(mutex_);
  if (bytes_ + line.size() > limit_) {
    ++dropped_;
    ++unnoted_;
    return Added::dropped;
  }
  const bool was_empty = waiting_.empty();
  push_note();
  push(std::string(line));
  return was_empty ? Added::first : Added::more;
}

void EventBuffer::restore(std::string line) {
  const std::lock_guard lock(mutex_);
  push(std::move(line));
}

void EventBuffer::limit(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  limit_ = bytes;
}

std::vector<std::string> EventBuffer::first(std::size_t events, std::uint64_t bytes) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> lines;
  std::uint64_t sum = 0;
  for (const Waiting& each : waiting_) {
    sum += each.line.size() + 1;
    if (lines.size() == events || (sum > bytes && !lines.empty())) break;
    lines.push_back(each.line);
  }
  return lines;
}

void EventBuffer::taken(std::size_t events) {
  const std::lock_guard lock(mutex_);
  for (; events > 0 && !waiting_.empty(); --events) pop();
}

void EventBuffer::drop_first() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) return;
  pop();
  ++dropped_;
  ++unnoted_;
}

std::size_t EventBuffer::size() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

std::uint64_t EventBuffer::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

std::uint64_t EventBuffer::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

std::optional<SteadyTime> EventBuffer::oldest() const {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) return std::nullopt;
  return waiting_.front().since;
}

void EventBuffer::note_missing() {
  const std::lock_guard lock(mutex_);
  push_note();
}

void EventBuffer::push_note() {
  if (unnoted_ == 0) return;
  std::string note = Fact("events_lost", clock_.now())
                         .with("count", static_cast<std::int64_t>(std::exchange(unnoted_, 0)))
                         .line();
  note.pop_back();
  push(std::move(note));
}

void EventBuffer::push(std::string line) {
  bytes_ += line.size();
  waiting_.push_back({std::move(line), clock_.steady()});
}

void EventBuffer::pop() {
  bytes_ -= waiting_.front().line.size();
  waiting_.pop_front();
}

}  // namespace signet::report
