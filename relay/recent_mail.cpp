#include "relay/recent_mail.hpp"

#include <algorithm>
#include <numeric>

namespace signet {
namespace {

constexpr std::chrono::hours kAnHour{1};

std::string key_of(const MailKind& kind) {
  std::string key = kind.client;
  key.append(1, '\n').append(kind.author.text());
  key.append(1, '\n').append(kind.sender ? kind.sender->text() : std::string());
  return key.append(1, '\n').append(kind.recipient.text());
}

}  // namespace

void RecentMail::note(const MailKind& kind, WallTime now) {
  std::string key = key_of(kind);
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) {
    forget_old(now);
    by_use_.push_front({.key = std::move(key),
                        .entry = {.kind = kind, .messages = 0, .last = now},
                        .counts = {},
                        .slot = slot_of(now)});
    by_key_.emplace(by_use_.front().key, by_use_.begin());
  } else {
    by_use_.splice(by_use_.begin(), by_use_, found->second);
    by_use_.front().entry.kind.peer = kind.peer;
  }
  Noted& noted = by_use_.front();
  advance(noted, slot_of(now));
  noted.entry.last = now;
  ++noted.counts.at(static_cast<std::size_t>(noted.slot) % kSlots);
}

// What lies an hour back falls out. A clock that is set back leaves the slot where it is.
void RecentMail::advance(Noted& noted, Slot slot) {
  const Slot steps = std::clamp<Slot>(slot - noted.slot, 0, kSlots);
  for (Slot step = 1; step <= steps; ++step)
    noted.counts.at(static_cast<std::size_t>(noted.slot + step) % kSlots) = 0;
  noted.slot = std::max(noted.slot, slot);
}

void RecentMail::forget_old(WallTime now) {
  while (!by_use_.empty()) {
    const bool is_old = now - by_use_.back().entry.last > kAnHour;
    if (!is_old && by_use_.size() < kMost) return;
    if (!is_old) ++forgotten_;
    by_key_.erase(by_use_.back().key);
    by_use_.pop_back();
  }
}

std::vector<RecentMail::Entry> RecentMail::list(WallTime now) const {
  std::vector<Entry> entries;
  const std::lock_guard lock(mutex_);
  for (Noted noted : by_use_) {
    if (now - noted.entry.last > kAnHour) break;
    advance(noted, slot_of(now));
    noted.entry.messages =
        std::accumulate(noted.counts.begin(), noted.counts.end(), std::uint64_t{0});
    if (noted.entry.messages > 0) entries.push_back(std::move(noted.entry));
  }
  return entries;
}

std::uint64_t RecentMail::forgotten() const {
  const std::lock_guard lock(mutex_);
  return forgotten_;
}

}  // namespace signet
