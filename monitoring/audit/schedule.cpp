#include "monitoring/audit/schedule.hpp"

#include <algorithm>

namespace signet::audit {
namespace {

constexpr std::chrono::seconds kMostApart{10};  // Of two first turns.

}  // namespace

std::vector<Domain> Schedule::set_domains(const std::vector<Domain>& domains, SteadyTime now) {
  std::vector<Domain> gone;
  for (const auto& [domain, turn] : turns_)
    if (!std::ranges::binary_search(domains, domain)) gone.push_back(domain);
  for (const Domain& domain : gone) turns_.erase(domain);
  std::vector<Domain> fresh;
  for (const Domain& domain : domains)
    if (!turns_.contains(domain)) fresh.push_back(domain);
  if (fresh.empty()) return gone;
  const std::chrono::microseconds apart = std::min<std::chrono::microseconds>(
      std::chrono::microseconds(intervals_.used) / fresh.size(), kMostApart);
  SteadyTime first = now;
  for (Domain& domain : fresh) {
    turns_.emplace(std::move(domain), Turn{first});
    first += apart;
  }
  return gone;
}

bool Schedule::is_due(const Domain& domain, bool is_used, SteadyTime now) const {
  const auto found = turns_.find(domain);
  if (found == turns_.end()) return false;
  const Turn& turn = found->second;
  if (!turn.last) return now >= turn.first;
  return now >= *turn.last + (is_used ? intervals_.used : intervals_.unused);
}

void Schedule::begun(const Domain& domain, SteadyTime now) {
  const auto found = turns_.find(domain);
  if (found != turns_.end()) found->second.last = now;
}

std::vector<Domain> Schedule::domains() const {
  std::vector<Domain> domains;
  domains.reserve(turns_.size());
  for (const auto& [domain, turn] : turns_) domains.push_back(domain);
  return domains;
}

}  // namespace signet::audit
