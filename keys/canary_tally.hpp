// CanaryTally: counts what becomes of the mail of domains that try a new key. Any thread.
//
// In memory: after a restart counting begins again, which can only make a trial longer.
#pragma once

#include <atomic>
#include <mutex>
#include <string_view>
#include <vector>

#include "keys/canary.hpp"
#include "keys/key_set.hpp"

namespace signet::keys {

class CanaryTally {
 public:
  /// Counts for the keys of `domain` that sign while one of them is on trial, from zero on at each
  /// stage and when other keys sign; stops when none is.
  void watch(const Domain& domain, const KeySet& keys);
  /// True while some key is on trial: else there is nothing to count.
  [[nodiscard]] bool any() const { return any_.load(std::memory_order_relaxed); }
  /// An answer about mail with signatures of these names ("selector._domainkey.domain").
  void count(const std::vector<std::string>& signed_by, bool refused);
  /// Empty: nothing is on trial.
  [[nodiscard]] Tallies of(const Domain& domain) const;

 private:
  struct Watched {
    WallTime stage;  ///< When it began.
    Tallies tallies;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Watched, std::less<>> watched_;  // By domain.
  std::atomic<bool> any_{false};
};

}  // namespace signet::keys
