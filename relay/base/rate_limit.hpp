// A token bucket: so many a second, and a burst of one second's worth. One thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "relay/base/clock.hpp"

namespace signet {

class RateLimit {
 public:
  /// False when the bucket is empty; the rate may be another each time.
  [[nodiscard]] bool take(SteadyTime now, std::uint32_t per_second) {
    const double capacity = per_second;
    const double refill = std::chrono::duration<double>(now - last_).count() * capacity;
    left_ = is_fresh_ ? capacity : std::min(capacity, left_ + refill);
    is_fresh_ = false;
    last_ = now;
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }

 private:
  bool is_fresh_ = true;
  double left_ = 0;
  SteadyTime last_{};
};

}  // namespace signet
