// ClockWatch: whether the clock may be trusted for t= and x= (RFC 6376 3.5).
//
// Told each second, it compares the wall clock with the steady one. After a step of more than a
// minute the clock counts as unsteady until it ran without one for a set time.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>

#include "relay/base/clock.hpp"

namespace signet {

constexpr std::chrono::seconds kMostStep{60};

class ClockWatch {
 public:
  struct Rules {
    bool require_sync = false;
    std::chrono::seconds steady{std::chrono::minutes(5)};
  };
  /// One look, on one thread. Gives the step when there was one: positive is forward.
  std::optional<std::chrono::milliseconds> look(const Clock& clock, bool is_synchronised,
                                                const Rules& rules);
  /// From any thread. True before the first look.
  [[nodiscard]] bool is_steady() const { return steady_.load(std::memory_order_relaxed); }

 private:
  std::optional<std::chrono::milliseconds> offset_;  // Wall minus steady, at the last look.
  SteadyTime unsteady_until_;
  std::atomic<bool> steady_{true};
};

/// False while the kernel says so (STA_UNSYNC): usual in containers and virtual machines.
[[nodiscard]] bool kernel_clock_is_synchronised();

}  // namespace signet
