#include <algorithm>

#include "relay/schedule/schedule.hpp"

namespace signet::schedule {
namespace {

constexpr std::size_t kDropAtLeast = 1024;

}  // namespace

Leases::Leases() : drop_at_(kDropAtLeast) {}

Leases::Lease Leases::take(const std::string& destination, std::uint32_t limit) {
  const std::scoped_lock lock(mutex_);
  const auto found = counts_.find(destination);
  if (limit == 0 || (found != counts_.end() && found->second->load() >= limit)) return {};
  if (found != counts_.end()) {
    found->second->fetch_add(1);
    return Lease(found->second);
  }
  if (counts_.size() >= drop_at_) drop_idle();
  const auto count = std::make_shared<std::atomic<std::uint32_t>>(1);
  counts_.emplace(destination, count);
  return Lease(count);
}

// Counts rise only under the lock, so one that is zero here stays zero until it is gone.
void Leases::drop_idle() {
  std::erase_if(counts_, [](const auto& entry) { return entry.second->load() == 0; });
  drop_at_ = std::max(kDropAtLeast, 2 * counts_.size());
}

std::uint32_t Leases::in_use(const std::string& destination) const {
  const std::scoped_lock lock(mutex_);
  const auto found = counts_.find(destination);
  return found == counts_.end() ? 0 : found->second->load();
}

std::size_t Leases::size() const {
  const std::scoped_lock lock(mutex_);
  return counts_.size();
}

}  // namespace signet::schedule
