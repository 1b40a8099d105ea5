#include <algorithm>

#include "relay/schedule/in_slices.hpp"
#include "relay/schedule/schedule.hpp"

namespace signet::schedule {
namespace {

constexpr auto kFirst = std::chrono::minutes(1);
constexpr auto kLongest = std::chrono::minutes(30);
constexpr auto kForgetAfter = std::chrono::hours(1);
constexpr auto kSweepEvery = std::chrono::minutes(1);
constexpr unsigned kDoublings = 5;  // 1 min doubled five times is over kLongest.

std::chrono::minutes length(unsigned failures) {
  return std::min<std::chrono::minutes>(kFirst * (1 << std::min(failures - 1, kDoublings)),
                                        kLongest);
}

}  // namespace

void Backoff::failed(const std::string& destination) {
  const std::scoped_lock lock(mutex_);
  const SteadyTime now = clock_.steady();
  auto found = entries_.find(destination);
  if (found == entries_.end()) {
    if (!has_room(now)) return;
    found = entries_.emplace(destination, Entry{}).first;
  }
  Entry& entry = found->second;
  if (entry.failures > 0 && now < entry.until) return;
  if (now >= entry.until + kForgetAfter) entry.failures = 0;
  ++entry.failures;
  entry.until = now + length(entry.failures);
}

void Backoff::succeeded(const std::string& destination) {
  const std::scoped_lock lock(mutex_);
  entries_.erase(destination);
}

SteadyTime Backoff::not_before(const std::string& destination) const {
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find(destination);
  if (found == entries_.end() || found->second.until <= clock_.steady()) return {};
  return found->second.until;
}

std::size_t Backoff::size() const {
  const std::scoped_lock lock(mutex_);
  return entries_.size();
}

std::vector<Backoff::Held> Backoff::list() const {
  const SteadyTime now = clock_.steady();
  std::vector<Held> all;
  visit_in_slices(entries_, mutex_, [&](const auto& entry) {
    if (entry.second.until > now)
      all.push_back({entry.first, entry.second.until, entry.second.failures});
  });
  return all;
}

// A full table is swept at most once a minute: a sweep looks at every entry.
bool Backoff::has_room(SteadyTime now) {
  if (entries_.size() >= kMaxEntries / 2 && now >= next_sweep_) {
    std::erase_if(entries_,
                  [now](const auto& entry) { return now >= entry.second.until + kForgetAfter; });
    if (entries_.size() >= kMaxEntries) {
      std::erase_if(entries_, [now](const auto& entry) { return now >= entry.second.until; });
    }
    next_sweep_ = now + kSweepEvery;
  }
  return entries_.size() < kMaxEntries;
}

}  // namespace signet::schedule
