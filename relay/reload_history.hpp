// Which generation of the configuration is in force since when, and how the last reload went.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "relay/base/clock.hpp"

namespace signet {

class ReloadHistory {
 public:
  struct Reload {
    WallTime at;
    std::string problem;  ///< Empty: it was applied.
  };
  struct State {
    std::uint64_t generation = 1;             ///< Counts what was applied, from 1 at the start.
    WallTime since;                           ///< When that generation came into force.
    std::optional<Reload> last;               ///< Nothing: there was none since the start.
    std::vector<std::string> restart_needed;  ///< Settings that differ and wait for a restart.
  };

  void started(WallTime at) {
    const std::lock_guard lock(mutex_);
    state_.since = at;
  }
  void applied(WallTime at, std::vector<std::string> restart_needed) {
    const std::lock_guard lock(mutex_);
    ++state_.generation;
    state_.since = at;
    state_.last = Reload{at, {}};
    state_.restart_needed = std::move(restart_needed);
  }
  void refused(WallTime at, std::string problem) {
    const std::lock_guard lock(mutex_);
    state_.last = Reload{at, std::move(problem)};
  }
  /// Any thread, as all the others.
  [[nodiscard]] State get() const {
    const std::lock_guard lock(mutex_);
    return state_;
  }

 private:
  mutable std::mutex mutex_;
  State state_;
};

}  // namespace signet
