#include "monitoring/health.hpp"

#include <algorithm>

namespace signet::monitoring {

void Health::add(std::string name, Check check) {
  const std::lock_guard lock(mutex_);
  const auto known = std::find_if(checks_.begin(), checks_.end(),
                                  [&](const auto& one) { return one.first == name; });
  if (known != checks_.end()) {
    known->second = std::move(check);
  } else {
    checks_.emplace_back(std::move(name), std::move(check));
  }
}

std::vector<std::string> Health::not_ready_because() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> reasons;
  for (const auto& [name, check] : checks_) {
    if (const auto words = check()) reasons.push_back(name + ": " + *words);
  }
  return reasons;
}

}  // namespace signet::monitoring
