// Every look at the time goes through a Clock, so that tests own it.
#pragma once

#include <chrono>

namespace signet {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
using SteadyTime = std::chrono::steady_clock::time_point;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual WallTime now() const = 0;       ///< For dates, signatures, due times.
  [[nodiscard]] virtual SteadyTime steady() const = 0;  ///< For durations and deadlines.
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now());
  }
  [[nodiscard]] SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
};

/// Whole seconds since 1970, for DKIM t= and x=.
[[nodiscard]] inline std::int64_t unix_seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace signet
