#include <algorithm>

#include "relay/schedule/in_slices.hpp"
#include "relay/schedule/schedule.hpp"

namespace signet::schedule {
namespace {

constexpr std::size_t kDropAtLeast = 1024;

}  // namespace

Leases::Leases() : drop_at_(kDropAtLeast) {}

Leases::Lease Leases::take(const std::string& destination, std::uint32_t limit) {
  if (limit == 0) return {};
  const std::scoped_lock lock(mutex_);
  const std::shared_ptr<Entry>& found = entry(destination);
  if (found->leases.load() >= limit) return {};
  found->leases.fetch_add(1);
  return Lease(found);
}

Leases::Wish Leases::wish(const std::string& destination) {
  const std::scoped_lock lock(mutex_);
  return Wish(entry(destination));
}

std::shared_ptr<Leases::Entry>& Leases::entry(const std::string& destination) {
  const auto found = entries_.find(destination);
  if (found != entries_.end()) return found->second;
  if (entries_.size() >= drop_at_) drop_idle();
  return entries_.emplace(destination, std::make_shared<Entry>()).first->second;
}

// Counts rise only under the lock, so one that is zero here stays zero until it is gone.
void Leases::drop_idle() {
  std::erase_if(entries_, [](const auto& each) {
    return each.second->leases.load() == 0 && each.second->wishes.load() == 0;
  });
  drop_at_ = std::max(kDropAtLeast, 2 * entries_.size());
}

std::uint32_t Leases::in_use(const std::string& destination) const {
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find(destination);
  return found == entries_.end() ? 0 : found->second->leases.load();
}

std::size_t Leases::size() const {
  const std::scoped_lock lock(mutex_);
  return entries_.size();
}

std::vector<Leases::Use> Leases::list() const {
  std::vector<Use> uses;
  visit_in_slices(entries_, mutex_, [&](const auto& entry) {
    const Use use{entry.first, entry.second->leases.load(), entry.second->wishes.load()};
    if (use.connections > 0 || use.waiting > 0) uses.push_back(use);
  });
  return uses;
}

}  // namespace signet::schedule
