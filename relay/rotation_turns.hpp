// RotationTurns: whose rotation may begin, where only so many may be under way.
//
// Those that were found due take turns: one whose beginning fails keeps no other from it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>

#include "relay/base/domain.hpp"

namespace signet {

class RotationTurns {
 public:
  void add(const Domain& domain) { due_.insert(domain); }
  /// At most `places` of those added since the last call, first those after the one that was last.
  [[nodiscard]] std::set<Domain> take(std::size_t places) {
    std::set<Domain> taken;
    auto next = last_ ? due_.upper_bound(*last_) : due_.begin();
    while (taken.size() < std::min(places, due_.size())) {
      if (next == due_.end()) next = due_.begin();
      last_ = *next;
      taken.insert(*next++);
    }
    due_.clear();
    return taken;
  }

 private:
  std::set<Domain> due_;
  std::optional<Domain> last_;
};

}  // namespace signet
