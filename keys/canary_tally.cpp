#include "keys/canary_tally.hpp"

#include <algorithm>
#include <ranges>

#include "keys/key_record.hpp"

namespace signet::keys {

void CanaryTally::watch(const Domain& domain, const KeySet& keys) {
  Watched now;
  bool on_trial = false;
  for (const KeyEntry& key : keys) {
    if (key.state != KeyState::canary && key.state != KeyState::active) continue;
    now.tallies[key.selector];
    if (key.state == KeyState::active) continue;
    on_trial = true;
    now.stage = std::max(now.stage, key.since().value_or(WallTime()));
  }
  const std::lock_guard lock(mutex_);
  const auto known = watched_.find(domain.text());
  if (!on_trial) {
    if (known != watched_.end()) watched_.erase(known);
  } else if (known == watched_.end() || known->second.stage != now.stage ||
             !std::ranges::equal(std::views::keys(known->second.tallies),
                                 std::views::keys(now.tallies))) {
    watched_.insert_or_assign(domain.text(), std::move(now));
  }
  any_ = !watched_.empty();
}

void CanaryTally::count(const std::vector<std::string>& signed_by, bool refused) {
  const std::lock_guard lock(mutex_);
  for (const std::string_view name : signed_by) {
    const auto key = split_record_name(name);
    if (!key) continue;
    const auto domain = watched_.find(key->domain);
    if (domain == watched_.end()) continue;
    const auto tally = domain->second.tallies.find(key->selector);
    if (tally == domain->second.tallies.end()) continue;
    ++(refused ? tally->second.refused : tally->second.delivered);
  }
}

Tallies CanaryTally::of(const Domain& domain) const {
  const std::lock_guard lock(mutex_);
  const auto found = watched_.find(domain.text());
  return found == watched_.end() ? Tallies{} : found->second.tallies;
}

}  // namespace signet::keys
